#include "workers/run_tracker/replay.h"

#include <criterion/criterion.h>

#include "adapters/memory/run_state_memory.h"
#include "core/base/random.h"
#include "tests/workers/fixture.h"
#include "tests/workers/run_tracker/histories.h"
#include "workers/run_tracker/run_tracker.h"

enum { SEEDS = 400 };

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
    histories_topics(&fixture.worker);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(replay, .init = setup, .fini = teardown);

/* A worker like the fixture's with an empty state. */
static struct spira_worker fresh(void)
{
    struct spira_worker worker = fixture.worker;
    worker.state = spira_run_state_memory(worker.clock);
    return worker;
}

static struct spira_replay_counts replay(const struct spira_worker *worker)
{
    struct spira_error err;
    struct spira_replay_counts counts = {0};
    cr_assert_eq(spira_run_tracker_replay(worker, (struct spira_progress){0}, &counts, &err),
                 SPIRA_OK, "%s", err.message);
    return counts;
}

/* Messages of one partition, in order. */
struct queue {
    const struct spira_message *messages[1024];
    size_t count, next;
};

struct queues {
    struct queue *queues;
    size_t count, left;
};

static enum spira_code enqueue(void *context, const struct spira_message *message,
                               struct spira_error *err)
{
    (void)err;
    struct queue *queue = context;
    cr_assert_lt(queue->count, sizeof queue->messages / sizeof *queue->messages);
    queue->messages[queue->count++] = message;
    return SPIRA_OK;
}

static void read_queues(struct queues *queues)
{
    struct spira_error err;
    size_t events;
    const char *const *names = spira_run_tracker_events(&events);
    for (size_t i = 0; i < events; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(&fixture.worker, names[i]);
        SPIRA_CLEANUP(spira_free_at)
        struct spira_offset_range *ranges = NULL;
        size_t count = 0;
        cr_assert_eq(spira_bus_ranges(fixture.worker.bus, topic, &ranges, &count, &err), SPIRA_OK);
        queues->queues =
            spira_realloc(queues->queues, queues->count + count, sizeof *queues->queues);
        for (size_t k = 0; k < count; k++) {
            struct queue *queue = &queues->queues[queues->count++];
            *queue = (struct queue){0};
            cr_assert_eq(spira_bus_read(fixture.worker.bus, &ranges[k], enqueue, queue, &err),
                         SPIRA_OK);
            queues->left += queue->count;
        }
    }
}

/* Applies all events, each partition's in order, the partitions as chance has it; some again. */
static void apply_shuffled(const struct spira_worker *worker, uint64_t seed)
{
    struct queues queues = {0};
    read_queues(&queues);
    struct spira_random random = spira_random_stream(seed, 0, 1, 0);
    while (queues.left > 0) {
        struct queue *queue = &queues.queues[spira_random_below(&random, queues.count)];
        if (queue->next == queue->count)
            continue;
        struct spira_error err;
        bool applied = false;
        enum spira_code code =
            spira_run_tracker_apply(worker, queue->messages[queue->next], NULL, &applied, &err);
        cr_assert(code == SPIRA_OK || code == SPIRA_EINVALID);
        cr_assert(applied);
        if (spira_random_below(&random, 10) > 0) {
            queue->next++;
            queues.left--;
        }
    }
    free(queues.queues);
}

Test(replay, any_order_of_the_partitions_makes_the_same_state)
{
    histories_emit(&fixture.worker, &fixture.clock, 6, 7);
    struct spira_worker first = fresh();
    replay(&first);
    SPIRA_CLEANUP(spira_free_at)
    char *expected = histories_state(first.state);
    cr_assert_gt(strlen(expected), 2000u, "%s", expected);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct spira_worker other = fresh();
        apply_shuffled(&other, seed);
        SPIRA_CLEANUP(spira_free_at)
        char *found = histories_state(other.state);
        cr_assert_str_eq(found, expected, "seed %llu", (unsigned long long)seed);
        spira_run_state_done(&other.state);
    }
    spira_run_state_done(&first.state);
}

Test(replay, other_histories_too)
{
    struct spira_worker first = fresh();
    for (uint64_t seed = 100; seed < 140; seed++) {
        histories_emit(&fixture.worker, &fixture.clock, 2, seed);
        replay(&first);
        struct spira_worker other = fresh();
        apply_shuffled(&other, seed);
        SPIRA_CLEANUP(spira_free_at)
        char *expected = histories_state(first.state);
        SPIRA_CLEANUP(spira_free_at)
        char *found = histories_state(other.state);
        cr_assert_str_eq(found, expected, "seed %llu", (unsigned long long)seed);
        spira_run_state_done(&other.state);
    }
    spira_run_state_done(&first.state);
}

Test(replay, applies_what_is_missing_emits_nothing_and_counts)
{
    histories_emit(&fixture.worker, &fixture.clock, 3, 1);
    const struct spira_message garbage = {
        .topic = "histories.run.failed", .key = "k", .value = "\xc1", .size = 1};
    struct spira_error err;
    cr_assert_eq(spira_bus_send(fixture.worker.bus, &garbage, &err), SPIRA_OK);
    size_t sent = histories_count(&fixture.worker);
    struct spira_replay_counts counts = replay(&fixture.worker);
    cr_assert_eq(counts.events, sent);
    cr_assert_eq(counts.unreadable, 1u);
    cr_assert_eq(counts.expired, 0u);
    cr_assert_eq(histories_count(&fixture.worker), sent);
    cr_assert_eq(replay(&fixture.worker).events, 0u, "all is applied");
    histories_emit(&fixture.worker, &fixture.clock, 1, 2);
    cr_assert_eq(replay(&fixture.worker).events, histories_count(&fixture.worker) - sent);
    SPIRA_CLEANUP(spira_free_at)
    char *before = histories_state(fixture.worker.state);
    cr_assert_eq(spira_state_clear(fixture.worker.state, &err), SPIRA_OK);
    replay(&fixture.worker);
    SPIRA_CLEANUP(spira_free_at)
    char *after = histories_state(fixture.worker.state);
    cr_assert_str_eq(after, before);
}

static bool stop(void *self)
{
    return (*(size_t *)self)++ == 5;
}

static void ignore(void *self, const struct spira_progress_report *report)
{
    (void)self;
    cr_assert_leq(report->done, report->total);
}

Test(replay, goes_on_where_it_was_stopped)
{
    histories_emit(&fixture.worker, &fixture.clock, 3, 3);
    size_t asked = 0;
    static const struct spira_progress_ops ops = {ignore, stop};
    struct spira_error err;
    struct spira_replay_counts counts = {0};
    cr_assert_eq(spira_run_tracker_replay(&fixture.worker, (struct spira_progress){&ops, &asked},
                                          &counts, &err),
                 SPIRA_EINTERRUPTED);
    cr_assert_eq(counts.events, 5u);
    struct spira_worker whole = fresh();
    replay(&whole);
    replay(&fixture.worker);
    SPIRA_CLEANUP(spira_free_at)
    char *expected = histories_state(whole.state);
    SPIRA_CLEANUP(spira_free_at)
    char *found = histories_state(fixture.worker.state);
    cr_assert_str_eq(found, expected);
    spira_run_state_done(&whole.state);
}

Test(replay, skipped_offsets_are_behind_the_state)
{
    struct spira_error err;
    int64_t applied = 0;
    for (int twice = 0; twice < 2; twice++) {
        cr_assert_eq(spira_run_tracker_skip(&fixture.worker, "histories.run.failed", 0, 40, &err),
                     SPIRA_OK);
        cr_assert_eq(
            spira_state_applied(fixture.worker.state, "histories.run.failed", 0, &applied, &err),
            SPIRA_OK);
        cr_assert_eq(applied, 40);
    }
}
