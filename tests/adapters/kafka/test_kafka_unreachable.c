/* A bus whose brokers are not there: each call says so in bounded time, and never that something
 * does not exist. */
#include <pthread.h>

#include "tests/adapters/kafka/kafka_steps.h"

#define NOWHERE "127.0.0.1:1" /* a port nobody listens on */

static enum spira_code no_visit(void *context, const struct spira_message *message,
                                struct spira_error *err)
{
    (void)context;
    return spira_fail(err, SPIRA_EBUG, "a message of %zu bytes came", message->size);
}

static enum spira_code send_one(struct spira_event_bus bus, struct spira_error *err)
{
    struct spira_message message = {.topic = "t", .key = "k", .value = "x", .size = 1};
    return spira_bus_send(bus, &message, err);
}

static enum spira_code make_topic(struct spira_event_bus bus, struct spira_error *err)
{
    return spira_bus_ensure_topic(bus, "t", 1, err);
}

static enum spira_code join_group(struct spira_event_bus bus, struct spira_error *err)
{
    struct spira_consumer consumer = {0};
    const char *topic = "t";
    return spira_bus_subscribe(bus, "g", &topic, 1, &consumer, err);
}

static enum spira_code ask_ranges(struct spira_event_bus bus, struct spira_error *err)
{
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    return spira_bus_ranges(bus, "t", &ranges, &count, err);
}

static enum spira_code ask_pending(struct spira_event_bus bus, struct spira_error *err)
{
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    return spira_bus_pending(bus, "g", "t", &ranges, &count, err);
}

static enum spira_code ask_offset(struct spira_event_bus bus, struct spira_error *err)
{
    int64_t offset = 0;
    return spira_bus_offset_at(bus, "t", 0, 0, &offset, err);
}

static enum spira_code read_one(struct spira_event_bus bus, struct spira_error *err)
{
    struct spira_offset_range range = {.topic = "t", .from = 0, .to = 1};
    return spira_bus_read(bus, &range, no_visit, NULL, err);
}

struct attempt {
    const char *name;
    enum spira_code (*call)(struct spira_event_bus bus, struct spira_error *err);
    struct spira_event_bus bus;
    pthread_t thread;
    enum spira_code code;
    struct spira_error err;
    int64_t took_ms;
};

static void *run_attempt(void *context)
{
    struct attempt *attempt = context;
    int64_t start = now_ms();
    attempt->code = attempt->call(attempt->bus, &attempt->err);
    attempt->took_ms = now_ms() - start;
    return NULL;
}

Test(kafka_unreachable, every_call_says_so_from_any_thread)
{
    struct attempt attempts[] = {
        {.name = "send", .call = send_one},        {.name = "ensure_topic", .call = make_topic},
        {.name = "subscribe", .call = join_group}, {.name = "ranges", .call = ask_ranges},
        {.name = "pending", .call = ask_pending},  {.name = "offset_at", .call = ask_offset},
        {.name = "read", .call = read_one}};
    enum { ATTEMPTS = sizeof attempts / sizeof *attempts };
    struct spira_event_bus bus = open_bus(NOWHERE, NULL, NULL);
    int64_t start = now_ms();
    must_fail(spira_bus_probe(bus, &err), SPIRA_EUNREACHABLE, NOWHERE);
    cr_assert_lt(now_ms() - start, 4000);
    for (size_t i = 0; i < ATTEMPTS; i++) {
        attempts[i].bus = bus;
        cr_assert_eq(pthread_create(&attempts[i].thread, NULL, run_attempt, &attempts[i]), 0);
    }
    for (size_t i = 0; i < ATTEMPTS; i++) {
        const struct attempt *attempt = &attempts[i];
        pthread_join(attempt->thread, NULL);
        cr_assert(attempt->code == SPIRA_EUNREACHABLE && strstr(attempt->err.message, NOWHERE),
                  "%s: %s %s", attempt->name, spira_code_name(attempt->code), attempt->err.message);
        cr_assert_lt(attempt->took_ms, 10000, "%s", attempt->name);
    }
    must(spira_bus_flush(bus, 100, &err)); /* nothing was queued */
    start = now_ms();
    spira_event_bus_done(&bus);
    cr_assert_lt(now_ms() - start, 5000);
}

Test(kafka_unreachable, a_wrong_name_is_told_without_a_broker)
{
    struct spira_event_bus bus = open_bus(NOWHERE, NULL, NULL);
    must_fail(spira_bus_ensure_topic(bus, "a/b", 1, &err), SPIRA_EINVALID, "a/b");
    spira_event_bus_done(&bus);
}
