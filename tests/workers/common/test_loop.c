#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "adapters/flaky/event_bus_flaky.h"
#include "adapters/posix/clock_posix.h"
#include "tests/workers/fixture.h"
#include "workers/common/loop/loop.h"

/* A handler that plays a script: what each call of it does. */
struct play {
    enum spira_code codes[16]; /* of its calls; SPIRA_OK behind them */
    int64_t rewind_at;         /* the offset at which it goes back once, to 0; -1: nowhere */
    int hold_ms;               /* each call takes that long, or until it is asked to stop */
    size_t last;               /* the loop is to stop after this many calls */
    atomic_size_t calls;
    int64_t offsets[64]; /* in the order of the calls */
    atomic_bool stop;
    bool stop_inside; /* the stop comes while the last call is under way */
    bool gives_up;    /* it deals with each message, which becomes a dead letter too */
};

static struct fixture fixture;
static struct play play;
static struct spira_worker_metrics metrics;
static struct spira_handler handler;
static struct spira_loop loop;
static struct spira_error err;

static enum spira_code handle(void *self, const struct spira_message *message,
                              struct spira_progress progress, struct spira_handled *ret_handled,
                              struct spira_error *ret_err)
{
    (void)self;
    size_t call = atomic_fetch_add(&play.calls, 1);
    play.offsets[call] = message->offset;
    bool last = call + 1 >= play.last;
    if (last && play.stop_inside)
        atomic_store(&play.stop, true);
    for (int waited = 0; waited < play.hold_ms; waited++) {
        if (!spira_progress_stop_wanted(progress)) {
            usleep(1000);
            continue;
        }
        if (last)
            atomic_store(&play.stop, true);
        return spira_fail(ret_err, SPIRA_EINTERRUPTED, "stopped");
    }
    if (last)
        atomic_store(&play.stop, true);
    ret_handled->outcome = "succeeded";
    if (message->offset == play.rewind_at) {
        play.rewind_at = -1;
        ret_handled->rewind = true;
        ret_handled->rewind_to = 0;
        return SPIRA_OK;
    }
    ret_handled->dead_letter = play.gives_up;
    (void)spira_fail(&ret_handled->failure, SPIRA_ECRASHED, "as it is written in the script");
    enum spira_code code = call < 16 ? play.codes[call] : SPIRA_OK;
    return code == SPIRA_OK ? code : spira_fail(ret_err, code, "as it is written in the script");
}

static void report_nothing(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

static bool stop_wanted(void *self)
{
    (void)self;
    return atomic_load(&play.stop);
}

static const struct spira_progress_ops stop_ops = {report_nothing, stop_wanted};
static const char *const events[] = {"features.completed"};

static void setup(void)
{
    fixture_init(&fixture);
    snprintf(fixture.worker.id, sizeof fixture.worker.id, "model_training@here:1");
    cr_assert_eq(spira_bus_ensure_topic(fixture.worker.bus, "test.features.completed.dlq", 1, &err),
                 SPIRA_OK);
    spira_worker_metrics_init(&metrics, fixture.worker.clock);
    play = (struct play){.rewind_at = -1};
    handler = (struct spira_handler){.name = "model_training",
                                     .events = events,
                                     .event_count = 1,
                                     .by_run = true,
                                     .handle = handle};
    loop = (struct spira_loop){.worker = &fixture.worker,
                               .handler = &handler,
                               .metrics = &metrics,
                               .stop = {.ops = &stop_ops},
                               .group = "test.model_training"};
}

static void teardown(void)
{
    spira_worker_metrics_done(&metrics);
    fixture_done(&fixture);
}

TestSuite(loop, .init = setup, .fini = teardown, .timeout = 60);

static void emit(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct spira_value *value = fixture_value(
            "{'run_id': '" RUN_ID "', 'shards': 1, 'dataset': {'key': 'd', 'sha256': "
            "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'bytes': 0}}");
        fixture_emit(&fixture, "features.completed", value);
    }
}

static int64_t committed_in(struct spira_event_bus bus)
{
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    cr_assert_eq(
        spira_bus_pending(bus, loop.group, "test.features.completed", &ranges, &count, &err),
        SPIRA_OK);
    cr_assert_eq(count, 1);
    int64_t from = ranges[0].from;
    free(ranges);
    return from;
}

static int64_t committed(void)
{
    return committed_in(fixture.worker.bus);
}

static void run_until(size_t calls)
{
    play.last = calls;
    atomic_store(&play.stop, false);
    cr_assert_eq(spira_loop_run(&loop, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(atomic_load(&play.calls), calls);
}

static void expect_offsets(const int64_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(play.offsets[i], offsets[i], "call %zu was for offset %jd, not %jd", i,
                     (intmax_t)play.offsets[i], (intmax_t)offsets[i]);
}

#define EXPECT_OFFSETS(...)                                                                        \
    expect_offsets((const int64_t[]){__VA_ARGS__},                                                 \
                   sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static bool metrics_have(const char *line)
{
    char *text = spira_worker_metrics_text(&metrics);
    bool found = strstr(text, line) != NULL;
    free(text);
    return found;
}

Test(loop, takes_one_message_after_another_and_commits_each)
{
    emit(3);
    run_until(3);
    EXPECT_OFFSETS(0, 1, 2);
    cr_expect_eq(committed(), 3);
    cr_expect(metrics_have("spira_messages_total{topic=\"test.features.completed\","
                           "outcome=\"succeeded\"} 3"));
}

/* Looks at what is committed when the last call is under way; stops the loop when all is. */
struct look {
    size_t calls;
    int64_t seen;
};

static void *look_at_commits(void *context)
{
    struct look *look = context;
    while (atomic_load(&play.calls) < look->calls)
        usleep(1000);
    look->seen = committed();
    while (committed() < (int64_t)look->calls)
        usleep(1000);
    atomic_store(&play.stop, true);
    return NULL;
}

/* Deals with that many messages, each for hold_ms, and returns what was committed before the last
 * one. */
static int64_t repeat(size_t calls, int hold_ms)
{
    fixture.worker.clock = spira_clock_posix();
    handler.repeats = true;
    play.last = calls + 1;
    play.hold_ms = hold_ms;
    emit(calls);
    struct look look = {.calls = calls};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, look_at_commits, &look), 0);
    cr_assert_eq(spira_loop_run(&loop, &err), SPIRA_OK, "%s", err.message);
    pthread_join(thread, NULL);
    return look.seen;
}

Test(loop, commits_together_what_may_be_repeated)
{
    cr_expect_eq(repeat(3, 20), 0);
    EXPECT_OFFSETS(0, 1, 2);
}

Test(loop, commits_each_second_what_may_be_repeated)
{
    cr_expect_eq(repeat(4, 600), 3);
}

Test(loop, commits_at_the_end_what_may_be_repeated)
{
    handler.repeats = true;
    emit(3);
    run_until(2);
    cr_expect_eq(committed(), 2);
}

Test(loop, commits_again_what_may_be_repeated_and_could_not_be_committed)
{
    enum spira_code codes[] = {SPIRA_EUNREACHABLE, SPIRA_ETIMEOUT};
    struct spira_flaky_script script = {.operation = "commit", .codes = codes, .count = 2};
    fixture.worker.bus = spira_event_bus_flaky(fixture.worker.bus, &script, 1);
    cr_expect_eq(repeat(3, 1), 0);
    EXPECT_OFFSETS(0, 1, 2);
}

Test(loop, tries_again_in_place_what_is_transient)
{
    play.codes[0] = SPIRA_EUNREACHABLE;
    play.codes[1] = SPIRA_EIO;
    play.codes[3] = SPIRA_ETIMEOUT;
    emit(2);
    run_until(5);
    EXPECT_OFFSETS(0, 0, 0, 1, 1);
    cr_expect_eq(committed(), 2);
    cr_expect_eq(fixture_count(&fixture, "features.completed.dlq"), 0);
    cr_expect(metrics_have("spira_retries_total{kind=\"EIO\"} 1"));
}

Test(loop, puts_aside_what_is_wrong_and_goes_on)
{
    play.codes[1] = SPIRA_EINVALID;
    emit(3);
    run_until(3);
    EXPECT_OFFSETS(0, 1, 2);
    cr_expect_eq(committed(), 3);
    cr_assert_eq(fixture_count(&fixture, "features.completed.dlq"), 1);
    const struct spira_message *letter = fixture_message(&fixture, "features.completed.dlq", 0);
    cr_expect_str_eq(spira_message_header(letter, "dlq-offset"), "1");
    cr_expect_str_eq(spira_message_header(letter, "dlq-group"), "test.model_training");
    cr_expect(strstr(spira_message_header(letter, "dlq-error"), "in the script"));
}

Test(loop, a_dead_letter_of_a_message_that_is_dealt_with_has_its_times)
{
    play.gives_up = true;
    emit(1);
    run_until(1);
    const struct spira_message *letter = fixture_message(&fixture, "features.completed.dlq", 0);
    cr_expect_str_eq(spira_message_header(letter, "dlq-first-failed-at"),
                     spira_message_header(letter, "dlq-last-failed-at"));
}

Test(loop, a_dead_letter_that_was_refused_is_sent_again)
{
    static const enum spira_code codes[] = {SPIRA_EUNREACHABLE};
    struct spira_flaky_script script = {.operation = "flush", .codes = codes, .count = 1};
    play.codes[0] = SPIRA_EINVALID;
    emit(2);
    struct spira_event_bus memory = fixture.worker.bus;
    fixture.worker.bus = spira_event_bus_flaky(memory, &script, 1);
    run_until(2);
    EXPECT_OFFSETS(0, 1); /* handled again, its run may be over, and nothing would be put aside */
    cr_expect_eq(committed_in(memory), 2);
    cr_expect_eq(fixture_count(&fixture, "features.completed.dlq"), 2, "the same letter, twice");
}

Test(loop, drops_what_somebody_newer_has_dealt_with)
{
    play.codes[0] = SPIRA_ECONFLICT;
    emit(2);
    run_until(2);
    EXPECT_OFFSETS(0, 1);
    cr_expect_eq(committed(), 2);
}

Test(loop, a_broken_promise_ends_it_and_commits_nothing)
{
    play.codes[0] = SPIRA_EDETERMINISM;
    play.last = 9;
    emit(1);
    cr_expect_eq(spira_loop_run(&loop, &err), SPIRA_EDETERMINISM);
    cr_expect(strstr(err.message, "in the script"), "%s", err.message);
    cr_expect_eq(committed(), 0);
}

Test(loop, a_stop_ends_the_work_under_way_and_its_message_comes_again)
{
    play.hold_ms = 30000;
    play.stop_inside = true;
    emit(2);
    run_until(1);
    cr_expect_eq(committed(), 0);
    play.hold_ms = 0;
    play.stop_inside = false;
    run_until(3);
    EXPECT_OFFSETS(0, 0, 1);
    cr_expect_eq(committed(), 2);
}

Test(loop, what_was_interrupted_from_outside_comes_again_at_once)
{
    play.codes[0] = SPIRA_EINTERRUPTED; /* somebody stopped the child, nobody stops the worker */
    emit(2);
    run_until(3);
    EXPECT_OFFSETS(0, 0, 1);
    cr_expect_eq(committed(), 2);
}

Test(loop, goes_back_where_the_handler_says)
{
    play.rewind_at = 2;
    emit(4);
    run_until(7);
    EXPECT_OFFSETS(0, 1, 2, 0, 1, 2, 3);
    cr_expect_eq(committed(), 4);
}

static void want_canceled(void)
{
    const struct spira_state_operation operation = {
        .action = SPIRA_STATE_SET, .run_id = RUN_ID, .name = "wanted", .value = "canceled"};
    const struct spira_state_change change = {.topic = "t", .operations = &operation, .count = 1};
    bool applied = false;
    cr_assert_eq(spira_state_apply(fixture.worker.state, &change, &applied, &err), SPIRA_OK);
}

Test(loop, work_on_a_canceled_run_is_stopped_and_its_message_done)
{
    fixture.worker.clock = spira_clock_posix();
    play.hold_ms = 30000;
    want_canceled();
    emit(1);
    run_until(1);
    cr_expect_eq(committed(), 1);
    cr_expect(metrics_have("outcome=\"canceled\"} 1"));
}

static enum spira_code count_idle(void *self, struct spira_consumer consumer,
                                  struct spira_error *ret_err)
{
    (void)consumer;
    (void)ret_err;
    ++*(size_t *)self;
    return SPIRA_OK;
}

Test(loop, looks_after_the_group_however_many_messages_come)
{
    fixture.worker.clock = spira_clock_posix();
    size_t looks = 0;
    handler.idle = count_idle;
    handler.self = &looks;
    play.hold_ms = 300;
    emit(8);
    run_until(8);
    cr_expect_geq(looks, 2);
}

static void *join_late(void *context)
{
    struct spira_consumer *second = context;
    struct spira_error why;
    const char *topics[] = {"test.features.completed"};
    while (atomic_load(&play.calls) == 0)
        usleep(1000);
    cr_assert_eq(spira_bus_subscribe(fixture.worker.bus, loop.group, topics, 1, second, &why),
                 SPIRA_OK);
    return NULL;
}

/* One partition, two members: the first one, which has work in hand, keeps it or loses it, but no
 * message is lost and the work is done once to its end. */
Test(loop, the_group_is_served_while_work_is_in_hand)
{
    play.hold_ms = 500;
    emit(2);
    struct spira_consumer second = {0};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, join_late, &second), 0);
    play.last = 1;
    play.stop_inside = false;
    cr_assert_eq(spira_loop_run(&loop, &err), SPIRA_OK, "%s", err.message);
    pthread_join(thread, NULL);
    cr_expect_eq(play.offsets[0], 0);
    spira_consumer_done(&second);
    play.hold_ms = 0;
    size_t before = atomic_load(&play.calls);
    run_until(before + (size_t)(2 - committed()));
    cr_expect_eq(committed(), 2);
}

Test(loop, once_ends_when_nothing_is_left)
{
    fixture.worker.clock = spira_clock_posix();
    loop.once = true;
    play.last = 99;
    emit(2);
    cr_assert_eq(spira_loop_run(&loop, &err), SPIRA_OK, "%s", err.message);
    EXPECT_OFFSETS(0, 1);
    cr_expect_eq(committed(), 2);
}

/* Any one call of the bus fails, once: every message is handled all the same, and committed. */
Test(loop, outlives_any_failure_of_the_bus)
{
    static const char *const operations[] = {"poll",   "commit", "subscribe", "pending",
                                             "ranges", "seek",   "positions"};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        for (size_t k = 0; k < 3; k++) {
            setup();
            play.codes[0] = SPIRA_EINTERRUPTED; /* so that it seeks */
            enum spira_code codes[3] = {SPIRA_OK, SPIRA_OK, SPIRA_OK};
            codes[k] = SPIRA_EUNREACHABLE;
            struct spira_flaky_script script = {
                .operation = operations[i], .codes = codes, .count = k + 1};
            emit(3);
            struct spira_event_bus memory = fixture.worker.bus;
            fixture.worker.bus = spira_event_bus_flaky(memory, &script, 1);
            play.last = 4;
            cr_assert_eq(spira_loop_run(&loop, &err), SPIRA_OK, "%s: %s", operations[i],
                         err.message);
            cr_expect_geq(atomic_load(&play.calls), 3, "%s", operations[i]);
            cr_expect_geq(committed_in(memory), 2, "%s", operations[i]);
            teardown();
        }
    }
    setup();
}
