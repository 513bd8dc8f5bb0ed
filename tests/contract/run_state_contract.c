/* What every state of runs does. Built twice: for the states in this process, and with
 * CONTRACT_ON_REDIS for the server that the environment variable SPIRA_REDIS names. */
#include <pthread.h>
#include <unistd.h>

#include "tests/contract/contract.h"
#ifdef CONTRACT_ON_REDIS
#include "adapters/posix/clock_posix.h"
#include "adapters/redis/run_state_redis.h"
#else
#include "adapters/flaky/run_state_flaky.h"
#include "adapters/memory/clock_memory.h"
#include "adapters/memory/run_state_memory.h"
#endif

#ifdef CONTRACT_ON_REDIS
struct run_state_case {
    struct spira_run_state state;
    struct spira_clock clock; /* by which progress expires; sleeping is real */
};

/* Each test has a prefix of its own, and removes its keys. */
static void open_redis(struct run_state_case *subject)
{
    const char *url = getenv("SPIRA_REDIS");
    if (!url) {
        fputs("SPIRA_REDIS is not set\n", stderr); /* by which ctest knows */
        cr_skip("SPIRA_REDIS is not set");
    }
    subject->clock = spira_clock_posix();
    char prefix[64];
    snprintf(prefix, sizeof prefix, "contract-%d-%lld:", (int)getpid(),
             (long long)spira_clock_now_ms(subject->clock));
    must(spira_run_state_redis(url, prefix, &subject->state, &err));
}

static void run_state_close(struct run_state_case *subject)
{
    must(spira_state_clear(subject->state, &err));
    spira_run_state_done(&subject->state);
}

CONTRACT_ADAPTERS(run_state, {"redis", open_redis})
#else
struct run_state_case {
    struct spira_run_state state;
    struct spira_clock_memory memory;
    struct spira_clock clock; /* by which progress expires */
};

static void open_memory(struct run_state_case *subject)
{
    subject->clock = spira_clock_memory_init(&subject->memory, 1700000000000);
    subject->state = spira_run_state_memory(subject->clock);
}

/* Without a script: every call goes through. */
static void open_flaky(struct run_state_case *subject)
{
    open_memory(subject);
    subject->state = spira_run_state_flaky(subject->state, NULL, 0);
}

static void run_state_close(struct run_state_case *subject)
{
    spira_run_state_done(&subject->state);
}

CONTRACT_ADAPTERS(run_state, {"memory", open_memory}, {"flaky", open_flaky})
#endif

static bool apply(struct spira_run_state state, int32_t partition, int64_t offset,
                  const struct spira_state_operation *operations, size_t count)
{
    struct spira_state_change change = {.topic = "topic",
                                        .partition = partition,
                                        .offset = offset,
                                        .operations = operations,
                                        .count = count};
    bool applied = false;
    must(spira_state_apply(state, &change, &applied, &err));
    return applied;
}

static int64_t applied_offset(struct spira_run_state state, const char *topic, int32_t partition)
{
    int64_t offset = -1;
    must(spira_state_applied(state, topic, partition, &offset, &err));
    return offset;
}

static void expect_run(struct spira_run_state state, const char *run_id, const char *json)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    must(spira_state_run(state, run_id, &run, &err));
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(run, SPIRA_COMPACT);
    cr_assert_str_eq(text, json);
}

static int64_t counter(struct spira_run_state state, const char *name)
{
    int64_t count = -1;
    must(spira_state_counter(state, name, &count, &err));
    return count;
}

static size_t set_size(struct spira_run_state state, const char *run_id, const char *name)
{
    size_t size = 99;
    must(spira_state_set_size(state, run_id, name, &size, &err));
    return size;
}

CONTRACT(run_state, an_event_changes_fields_sets_and_counters)
{
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_SET, "r1", "state", NULL, "pending"},
        {SPIRA_STATE_SET, "r1", "state", NULL, "running"},
        {SPIRA_STATE_SET_ABSENT, "r1", "started", NULL, "first"},
        {SPIRA_STATE_SET_ABSENT, "r1", "started", NULL, "second"},
        {SPIRA_STATE_ADD, "r1", "shards", "0002", "two"},
        {SPIRA_STATE_ADD, "r1", "shards", "0001", ""},
        {SPIRA_STATE_ADD, "r1", "shards", "0002", "again"},
        {SPIRA_STATE_ADD, "r1", "alarms", "a", "b"},
        {SPIRA_STATE_COUNT, NULL, "accepted", NULL, NULL},
        {SPIRA_STATE_COUNT, NULL, "accepted", NULL, NULL},
        {SPIRA_STATE_SET, "r2", "state", NULL, "pending"}};
    cr_assert(apply(subject->state, 0, 0, operations, sizeof operations / sizeof *operations));
    expect_run(subject->state, "r1",
               "{\"fields\":{\"started\":\"first\",\"state\":\"running\"},"
               "\"sets\":{\"alarms\":{\"a\":\"b\"},\"shards\":{\"0001\":\"\",\"0002\":\"two\"}}}");
    expect_run(subject->state, "r2", "{\"fields\":{\"state\":\"pending\"},\"sets\":{}}");
    cr_assert_eq(set_size(subject->state, "r1", "shards"), 2);
    cr_assert_eq(counter(subject->state, "accepted"), 2);
    must(spira_state_probe(subject->state, &err));
}

CONTRACT(run_state, the_least_order_wins_whenever_it_comes)
{
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_SET_FIRST, "r1", "state", "2", "pending"},
        {SPIRA_STATE_SET_FIRST, "r1", "state", "1", "running"},
        {SPIRA_STATE_SET_FIRST, "r1", "state", "10", "behind"},
        {SPIRA_STATE_SET_FIRST, "r1", "state", "1", "not again"},
        {SPIRA_STATE_SET_FIRST, "r1", "state", "2", "pending"},
        {SPIRA_STATE_SET_FIRST, "r2", "end", "09", "later"},
        {SPIRA_STATE_SET_FIRST, "r2", "end", "08", "earlier"},
    };
    cr_assert(apply(subject->state, 0, 0, operations, sizeof operations / sizeof *operations));
    expect_run(subject->state, "r1",
               "{\"fields\":{\"state\":\"running\",\"state.order\":\"1\"},\"sets\":{}}");
    expect_run(subject->state, "r2",
               "{\"fields\":{\"end\":\"earlier\",\"end.order\":\"08\"},\"sets\":{}}");
}

CONTRACT(run_state, an_event_is_applied_once_and_never_over_a_gap)
{
    struct spira_run_state state = subject->state;
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_COUNT, NULL, "events", NULL, NULL}};
    cr_assert_eq(applied_offset(state, "topic", 1), 0);
    cr_assert(!apply(state, 1, 1, operations, 1), "a gap");
    cr_assert_eq(applied_offset(state, "topic", 1), 0);
    cr_assert(apply(state, 1, 0, operations, 1));
    cr_assert(apply(state, 1, 0, operations, 1), "a redelivery");
    cr_assert(apply(state, 1, 1, operations, 1));
    cr_assert(!apply(state, 1, 7, operations, 1));
    cr_assert(apply(state, 1, 2, NULL, 0), "an event that changes nothing");
    cr_assert(apply(state, 0, 0, operations, 1), "each partition counts for itself");
    cr_assert_eq(applied_offset(state, "topic", 1), 3);
    cr_assert_eq(applied_offset(state, "topic", 0), 1);
    cr_assert_eq(applied_offset(state, "topic/1", 0), 0);
    cr_assert_eq(counter(state, "events"), 3);
}

CONTRACT(run_state, names_and_texts_may_hold_anything_and_are_never_mixed_up)
{
    SPIRA_CLEANUP(spira_free_at)
    char *huge = spira_alloc(300001, 1);
    memset(huge, 'h', 300000);
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_SET, "r", "a:b", NULL, "field"},
        {SPIRA_STATE_SET, "r", "", NULL, "no name"},
        {SPIRA_STATE_SET, "r", "\xF0\x9F\xAB\x81 p\xC3\xA9", NULL, "\xC3\xA9\r\n%s*?[x]"},
        {SPIRA_STATE_SET, "r", "Z", NULL, huge},
        {SPIRA_STATE_ADD, "r", "a", "b:c", "1"},
        {SPIRA_STATE_ADD, "r", "a:b", "c", "2"},
        {SPIRA_STATE_ADD, "r", "a:b:", "", "3"},
        {SPIRA_STATE_ADD, "r", "", "a:b:c", "4"},
        {SPIRA_STATE_ADD, "r", "1:a", "\xC3\xA9", ""},
        {SPIRA_STATE_SET, "r:a", "b", NULL, "another run"},
        {SPIRA_STATE_SET, "r*", "b", NULL, "a third"}};
    cr_assert(apply(subject->state, 0, 0, operations, sizeof operations / sizeof *operations));
    SPIRA_CLEANUP(spira_free_at)
    char *wanted = spira_format(
        "{\"fields\":{\"\":\"no name\",\"Z\":\"%s\",\"a:b\":\"field\","
        "\"\xF0\x9F\xAB\x81 p\xC3\xA9\":\"\xC3\xA9\\u000d\\n%%s*?[x]\"},"
        "\"sets\":{\"\":{\"a:b:c\":\"4\"},\"1:a\":{\"\xC3\xA9\":\"\"},\"a\":{\"b:c\":\"1\"},"
        "\"a:b\":{\"c\":\"2\"},\"a:b:\":{\"\":\"3\"}}}",
        huge);
    expect_run(subject->state, "r", wanted);
    expect_run(subject->state, "r:a", "{\"fields\":{\"b\":\"another run\"},\"sets\":{}}");
    expect_run(subject->state, "r*", "{\"fields\":{\"b\":\"a third\"},\"sets\":{}}");
    cr_assert_eq(set_size(subject->state, "r", "a"), 1);
    cr_assert_eq(set_size(subject->state, "r", "a:b"), 1);
    cr_assert_eq(set_size(subject->state, "r", "b"), 0);
}

CONTRACT(run_state, offsets_may_be_as_large_as_they_get)
{
    struct spira_run_state state = subject->state;
    struct spira_state_change beyond = {.topic = "topic", .offset = INT64_MAX};
    bool applied = true;
    must(spira_state_apply(state, &beyond, &applied, &err));
    cr_assert(!applied, "a gap");
    cr_assert(apply(state, INT32_MAX, 0, NULL, 0));
    cr_assert(apply(state, INT32_MAX, -1, NULL, 0), "below what was applied");
    cr_assert_eq(applied_offset(state, "topic", INT32_MAX), 1);
    cr_assert_eq(applied_offset(state, "topic", 0), 0);
}

CONTRACT(run_state, what_is_not_there_is_empty_or_not_found)
{
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_SET, "r1", "state", NULL, "pending"}};
    cr_assert(apply(subject->state, 0, 0, operations, 1));
    struct spira_value *run = NULL;
    must_fail(spira_state_run(subject->state, "r", &run, &err), SPIRA_ENOTFOUND);
    cr_assert_null(run);
    cr_assert_eq(set_size(subject->state, "r", "shards"), 0);
    cr_assert_eq(set_size(subject->state, "r1", "shards"), 0);
    cr_assert_eq(counter(subject->state, "nothing"), 0);
}

struct ids {
    char all[64];
    size_t left;
};

static bool note(void *context, const char *run_id)
{
    struct ids *ids = context;
    size_t used = strlen(ids->all);
    snprintf(ids->all + used, sizeof ids->all - used, "%s ", run_id);
    return --ids->left > 0;
}

CONTRACT(run_state, runs_are_listed_newest_first)
{
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_SET, "0198-b", "state", NULL, "x"},
        {SPIRA_STATE_ADD, "0199-a", "set", "member", "x"},
        {SPIRA_STATE_SET, "0198-a", "state", NULL, "x"}};
    struct ids none = {.left = 9}, all = {.left = 9}, two = {.left = 2};
    must(spira_state_runs(subject->state, note, &none, &err));
    cr_assert_str_eq(none.all, "");
    cr_assert(apply(subject->state, 0, 0, operations, 3));
    must(spira_state_runs(subject->state, note, &all, &err));
    cr_assert_str_eq(all.all, "0199-a 0198-b 0198-a ");
    must(spira_state_runs(subject->state, note, &two, &err));
    cr_assert_str_eq(two.all, "0199-a 0198-b ");
}

static void expect_progress(struct spira_run_state state, const char *run_id, const char *json)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *progress = NULL;
    must(spira_state_progress(state, run_id, &progress, &err));
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(progress, SPIRA_CANONICAL);
    cr_assert_str_eq(text, json);
}

CONTRACT(run_state, progress_expires)
{
    expect_progress(subject->state, "r1", "{}");
    must(spira_state_put_progress(subject->state, "r1", "training", "epoch 1", 100000, &err));
    must(spira_state_put_progress(subject->state, "r1", "features", "3 of 9", 1000, &err));
    must(spira_state_put_progress(subject->state, "r2", "training", "epoch 7", 100000, &err));
    expect_progress(subject->state, "r1", "{\"features\":\"3 of 9\",\"training\":\"epoch 1\"}");
    must(spira_state_put_progress(subject->state, "r1", "training", "epoch 2", 100000, &err));
    spira_clock_sleep_ms(subject->clock, 1500);
    expect_progress(subject->state, "r1", "{\"training\":\"epoch 2\"}");
}

CONTRACT(run_state, a_cleared_state_can_be_built_again)
{
    struct spira_run_state state = subject->state;
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_SET, "r1", "state", NULL, "running"},
        {SPIRA_STATE_COUNT, NULL, "accepted", NULL, NULL}};
    for (int round = 0; round < 2; round++) {
        cr_assert(apply(state, 0, 0, operations, 2));
        must(spira_state_put_progress(state, "r1", "training", "epoch 1", 100000, &err));
        must(spira_state_clear(state, &err));
        struct ids ids = {.left = 9};
        must(spira_state_runs(state, note, &ids, &err));
        cr_assert_str_eq(ids.all, "");
        cr_assert_eq(applied_offset(state, "topic", 0), 0);
        cr_assert_eq(counter(state, "accepted"), 0);
        expect_progress(state, "r1", "{}");
    }
}

enum { THREADS = 4, EVENTS = 200 };

/* Applies every event, whoever else does too. */
static void *apply_all(void *context)
{
    struct run_state_case *subject = context;
    for (int64_t offset = 0; offset < EVENTS; offset++) {
        char member[16];
        snprintf(member, sizeof member, "%d", (int)offset);
        const struct spira_state_operation operations[] = {
            {SPIRA_STATE_COUNT, NULL, "events", NULL, NULL},
            {SPIRA_STATE_ADD, "r1", "shards", member, "x"}};
        cr_assert(apply(subject->state, 0, offset, operations, 2));
    }
    return NULL;
}

CONTRACT(run_state, each_event_counts_once_whichever_thread_applies_it)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, apply_all, subject), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(counter(subject->state, "events"), EVENTS);
    cr_assert_eq(set_size(subject->state, "r1", "shards"), EVENTS);
    cr_assert_eq(applied_offset(subject->state, "topic", 0), EVENTS);
}
