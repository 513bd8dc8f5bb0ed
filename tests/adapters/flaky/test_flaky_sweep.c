/* The n-th failure sweep: a scenario is tried with its first call failing, then its second, and so
 * on until it runs without a failure. Whoever tries again after each failure must end where an
 * undisturbed run ends, whether the failing call was made or not. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "adapters/filesystem/object_store_filesystem.h"
#include "adapters/flaky/event_bus_flaky.h"
#include "adapters/flaky/object_store_flaky.h"
#include "adapters/flaky/run_state_flaky.h"
#include "adapters/memory/clock_memory.h"
#include "adapters/memory/event_bus_memory.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/memory/run_state_memory.h"
#include "adapters/openssl/openssl_digest.h"
#include "core/base/file.h"

enum { MOST_CALLS = 64 };

/* A script that fails call number n, counted from 0, of any operation. */
static struct spira_flaky_script fail_nth(enum spira_code codes[MOST_CALLS], size_t n, bool after)
{
    cr_assert_lt(n, MOST_CALLS, "the scenario never ends");
    memset(codes, 0, MOST_CALLS * sizeof *codes);
    codes[n] = SPIRA_EIO;
    return (struct spira_flaky_script){.codes = codes, .count = n + 1, .after = after};
}

static bool met(const struct spira_flaky_script *script)
{
    return script->played == script->count;
}

/* Moves the object "champion" from "one" to "two", whoever was there first. */
static enum spira_code promote(struct spira_object_store store, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_store_get(store, "champion", 64, &bytes, err);
    if (code == SPIRA_ENOTFOUND)
        code = spira_store_swap(store, "champion", NULL, "one", 3, err);
    else if (code == SPIRA_OK && strcmp(bytes.data, "two") == 0)
        return SPIRA_OK;
    if (code != SPIRA_OK)
        return code;
    struct spira_sha256 one = spira_digest_bytes(spira_digest_openssl(), "one", 3);
    return spira_store_swap(store, "champion", &one, "two", 3, err);
}

/* What a step does: its data, then its manifest, then the pointer; a leftover goes. */
static enum spira_code publish(struct spira_object_store store, struct spira_error *err)
{
    enum spira_code code = spira_store_put(store, "a/data", "data", 4, err);
    if (code == SPIRA_OK)
        code = spira_store_put(store, "a/manifest", "manifest", 8, err);
    if (code == SPIRA_OK)
        code = spira_store_remove(store, "a/leftover", err);
    return code == SPIRA_OK ? promote(store, err) : code;
}

static void expect(struct spira_object_store store, const char *key, const char *text)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_store_get(store, key, 64, &bytes, &err), SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(bytes.data, text);
}

static void sweep_store(struct spira_object_store (*open)(const char *folder, int number),
                        const char *folder)
{
    for (int after = 0; after < 2; after++) {
        bool failed = true;
        for (size_t n = 0; failed; n++) {
            enum spira_code codes[MOST_CALLS];
            struct spira_flaky_script script = fail_nth(codes, n, after);
            struct spira_object_store inner = open(folder, (int)n * 2 + after);
            SPIRA_CLEANUP(spira_object_store_done)
            struct spira_object_store store = spira_object_store_flaky(inner, &script, 1);
            struct spira_error err = {0};
            int tries = 1;
            cr_assert_eq(spira_store_put(inner, "a/leftover", "x", 1, &err), SPIRA_OK);
            for (; publish(store, &err) != SPIRA_OK; tries++)
                cr_assert(err.code == SPIRA_EIO && tries < 2, "%s", err.message);
            failed = met(&script);
            cr_assert_eq(tries, failed ? 2 : 1);
            expect(inner, "a/data", "data");
            expect(inner, "a/manifest", "manifest");
            expect(inner, "champion", "two");
            cr_assert_eq(spira_store_stat(inner, "a/leftover", NULL, &err), SPIRA_ENOTFOUND);
            cr_assert(failed || n >= 6, "only %zu calls were made to fail", n);
        }
    }
}

static struct spira_object_store open_memory(const char *folder, int number)
{
    (void)folder;
    (void)number;
    return spira_object_store_memory(spira_digest_openssl());
}

static struct spira_object_store open_filesystem(const char *folder, int number)
{
    struct spira_error err = {0};
    struct spira_object_store store = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *root = spira_format("%s/%d", folder, number);
    cr_assert_eq(spira_object_store_filesystem(root, spira_digest_openssl(), &store, &err),
                 SPIRA_OK, "%s", err.message);
    return store;
}

Test(flaky_sweep, a_step_that_tries_again_publishes_the_same_objects)
{
    char folder[] = "/tmp/spira-test-sweep-XXXXXX";
    struct spira_error err;
    cr_assert(mkdtemp(folder));
    sweep_store(open_memory, folder);
    sweep_store(open_filesystem, folder);
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
}

enum { EVENTS = 3 };

/* What a projector does with one event: state first, then the offset. */
static enum spira_code project(struct spira_run_state state, struct spira_consumer consumer,
                               const struct spira_message *message, struct spira_error *err)
{
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_COUNT, NULL, "events", NULL, NULL}};
    struct spira_state_change change = {.topic = message->topic,
                                        .partition = message->partition,
                                        .offset = message->offset,
                                        .operations = operations,
                                        .count = 1};
    bool applied = false;
    enum spira_code code = spira_state_apply(state, &change, &applied, err);
    cr_assert(code != SPIRA_OK || applied, "a gap");
    return code == SPIRA_OK ? spira_consumer_commit(consumer, message, err) : code;
}

/* Joins, handles what comes, leaves: everything a worker does between two crashes. */
static enum spira_code work(struct spira_event_bus bus, struct spira_run_state state,
                            struct spira_error *err)
{
    const char *topics[] = {"t"};
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = {0};
    enum spira_code code = spira_bus_subscribe(bus, "g", topics, 1, &consumer, err);
    while (code == SPIRA_OK) {
        const struct spira_message *message = NULL;
        code = spira_consumer_poll(consumer, 1, &message, err);
        if (code != SPIRA_OK || !message)
            break;
        code = project(state, consumer, message, err);
        spira_consumer_release(consumer, message);
    }
    return code;
}

static bool sweep_worker(size_t n, bool after)
{
    struct spira_error err = {0};
    struct spira_clock_memory memory;
    struct spira_clock clock = spira_clock_memory_init(&memory, 0);
    struct spira_event_bus inner = spira_event_bus_memory(clock);
    cr_assert_eq(spira_bus_ensure_topic(inner, "t", 1, &err), SPIRA_OK);
    struct spira_message event = {.topic = "t", .key = "k", .value = "x", .size = 1};
    for (int i = 0; i < EVENTS; i++)
        cr_assert_eq(spira_bus_send(inner, &event, &err), SPIRA_OK);
    enum spira_code codes[MOST_CALLS];
    struct spira_flaky_script script = fail_nth(codes, n, after);
    SPIRA_CLEANUP(spira_event_bus_done)
    struct spira_event_bus bus = spira_event_bus_flaky(inner, &script, 1);
    SPIRA_CLEANUP(spira_run_state_done)
    struct spira_run_state state = spira_run_state_flaky(spira_run_state_memory(clock), &script, 1);
    int tries = 1;
    for (; work(bus, state, &err) != SPIRA_OK; tries++)
        cr_assert(err.code == SPIRA_EIO && tries < 2, "%s", err.message);
    bool failed = met(&script);
    int64_t events = 0;
    while (spira_state_counter(state, "events", &events, &err) != SPIRA_OK)
        ;
    cr_assert_eq(events, EVENTS, "call %zu: %jd events", n, (intmax_t)events);
    return failed;
}

Test(flaky_sweep, a_worker_that_starts_again_applies_each_event_once)
{
    for (int after = 0; after < 2; after++) {
        size_t n = 0;
        while (sweep_worker(n, after))
            n++;
        cr_assert_eq(n, 1 + 3 * EVENTS + 1, "subscribe, three calls an event, and an empty poll");
    }
}
