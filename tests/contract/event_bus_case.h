/* What the suites of the event bus share: a bus with two topics, and the steps of a test. Built
 * twice: for the buses in this process, and with CONTRACT_ON_KAFKA for the brokers that the
 * environment variable SPIRA_KAFKA names. */
#ifndef SPIRA_TESTS_CONTRACT_EVENT_BUS_CASE_H
#define SPIRA_TESTS_CONTRACT_EVENT_BUS_CASE_H

#include <unistd.h>

#include "adapters/posix/clock_posix.h"
#include "tests/contract/contract.h"
#ifdef CONTRACT_ON_KAFKA
#include "adapters/kafka/event_bus_kafka.h"
#else
#include "adapters/flaky/event_bus_flaky.h"
#include "adapters/memory/event_bus_memory.h"
#endif

struct event_bus_case {
    struct spira_event_bus bus;
    char topic[64]; /* names of this test's own, with PARTITIONS partitions */
    char other[64];
    char group[64];
};

enum { PARTITIONS = 4, POLL_MS = 20, PATIENCE_MS = 15000, QUIET_MS = 150 };

#include "tests/consumer_steps.h"

static inline void open_bus(struct event_bus_case *subject, struct spira_event_bus bus)
{
    subject->bus = bus;
    char test[40];
    snprintf(test, sizeof test, "contract.%d-%jd", (int)getpid(),
             (intmax_t)spira_clock_now_ms(spira_clock_posix()));
    snprintf(subject->topic, sizeof subject->topic, "%s.topic", test);
    snprintf(subject->other, sizeof subject->other, "%s.other", test);
    snprintf(subject->group, sizeof subject->group, "%s.group", test);
    must(spira_bus_ensure_topic(bus, subject->topic, PARTITIONS, &err));
    must(spira_bus_ensure_topic(bus, subject->other, PARTITIONS, &err));
}

#ifdef CONTRACT_ON_KAFKA
static inline void open_kafka(struct event_bus_case *subject)
{
    const char *servers = getenv("SPIRA_KAFKA");
    if (!servers) {
        fputs("SPIRA_KAFKA is not set\n", stderr); /* by which ctest knows */
        cr_skip("SPIRA_KAFKA is not set");
    }
    const struct spira_kafka_property properties[] = {{"session.timeout.ms", "6000"},
                                                      {"heartbeat.interval.ms", "500"}};
    struct spira_kafka_settings settings = {.bootstrap_servers = servers,
                                            .client_id = "contract",
                                            .properties = properties,
                                            .property_count = 2};
    struct spira_event_bus bus = {0};
    must(spira_event_bus_kafka(&settings, &bus, &err));
    open_bus(subject, bus);
}
#else
static inline void open_memory(struct event_bus_case *subject)
{
    open_bus(subject, spira_event_bus_memory(spira_clock_posix()));
}

/* Without a script: every call goes through. */
static inline void open_flaky(struct event_bus_case *subject)
{
    open_bus(subject, spira_event_bus_flaky(spira_event_bus_memory(spira_clock_posix()), NULL, 0));
}

#endif

static inline void event_bus_close(struct event_bus_case *subject)
{
    spira_event_bus_done(&subject->bus);
}

#ifdef CONTRACT_ON_KAFKA
CONTRACT_ADAPTERS(event_bus, {"kafka", open_kafka})
#else
CONTRACT_ADAPTERS(event_bus, {"memory", open_memory}, {"flaky", open_flaky})
#endif

static inline void send_text(struct spira_event_bus bus, const char *topic, const char *key,
                             const char *value)
{
    struct spira_message message = {
        .topic = topic, .key = key, .value = value, .size = strlen(value)};
    must(spira_bus_send(bus, &message, &err));
}

static inline void flush(struct spira_event_bus bus)
{
    must(spira_bus_flush(bus, PATIENCE_MS, &err));
}

static inline struct spira_consumer join(struct event_bus_case *subject)
{
    const char *topics[] = {subject->topic, subject->other};
    struct spira_consumer consumer = {0};
    must(spira_bus_subscribe(subject->bus, subject->group, topics, 2, &consumer, &err));
    return consumer;
}

static inline int owned(struct spira_consumer consumer, const char *topic)
{
    int count = 0;
    for (int32_t partition = 0; partition < PARTITIONS; partition++)
        count += spira_consumer_owns(consumer, topic, partition);
    return count;
}

/* Lets both members poll until each owns so many partitions of each topic. Nothing was sent. */
static inline void settle(struct event_bus_case *subject, struct spira_consumer first,
                          int first_count, struct spira_consumer second, int second_count)
{
    struct spira_clock clock = spira_clock_posix();
    int64_t deadline = spira_clock_monotonic_ms(clock) + PATIENCE_MS;
    while (owned(first, subject->topic) != first_count ||
           owned(first, subject->other) != first_count ||
           owned(second, subject->topic) != second_count) {
        cr_assert_lt(spira_clock_monotonic_ms(clock), deadline, "the group does not settle");
        cr_assert_null(next_within(first, POLL_MS, NULL));
        if (second.ops != first.ops || second.self != first.self)
            cr_assert_null(next_within(second, POLL_MS, NULL));
        for (int32_t partition = 0; partition < PARTITIONS && second.self != first.self;
             partition++)
            cr_assert(!spira_consumer_owns(first, subject->topic, partition) ||
                          !spira_consumer_owns(second, subject->topic, partition),
                      "two own partition %d", (int)partition);
    }
}

/* The stretch of the one partition that holds the key's messages. */
static inline struct spira_offset_range range_of(struct event_bus_case *subject)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    must(spira_bus_ranges(subject->bus, subject->topic, &ranges, &count, &err));
    size_t i = 0;
    while (i < count && ranges[i].to == 0)
        i++;
    cr_assert_lt(i, count);
    return ranges[i];
}

#endif
