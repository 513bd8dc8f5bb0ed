#include "workers/run_tracker/tracker_handler.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

#include "adapters/posix/clock_posix.h"
#include "tests/workers/fixture.h"
#include "workers/common/loop/loop.h"
#include "workers/run_tracker/run_tracker.h"

#define OTHER_RUN "01890a5d-ac96-774b-bcce-b302099a8058"
#define REFERENCE                                                                                  \
    "{'key': 'm', 'sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', "  \
    "'bytes': 0}"

static struct fixture fixture;
static struct spira_worker_metrics metrics;
static struct spira_handler tracker; /* what the loop's handler hands messages to */
static size_t left;                  /* messages until the loop is to stop */
static atomic_bool stop;
static struct spira_error err;

static enum spira_code handle(void *self, const struct spira_message *message,
                              struct spira_progress progress, struct spira_handled *ret_handled,
                              struct spira_error *ret_err)
{
    if (--left == 0)
        atomic_store(&stop, true);
    return tracker.handle(self, message, progress, ret_handled, ret_err);
}

static void report_nothing(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

static bool stop_wanted(void *self)
{
    (void)self;
    return atomic_load(&stop);
}

static const struct spira_progress_ops stop_ops = {report_nothing, stop_wanted};

static void setup(void)
{
    fixture_init(&fixture);
    fixture.worker.clock = spira_clock_posix();
    spira_worker_metrics_init(&metrics, fixture.worker.clock);
}

static void teardown(void)
{
    spira_worker_metrics_done(&metrics);
    fixture_done(&fixture);
}

TestSuite(tracker_handler, .init = setup, .fini = teardown, .timeout = 60);

/* A tracker's process that lives until nothing is left, or for this many messages. */
static void run_process(size_t messages)
{
    spira_tracker_handler(&fixture.worker, &tracker);
    struct spira_handler handler = tracker;
    handler.handle = handle;
    left = messages;
    atomic_store(&stop, false);
    const struct spira_loop loop = {.worker = &fixture.worker,
                                    .handler = &handler,
                                    .metrics = &metrics,
                                    .stop = {.ops = &stop_ops},
                                    .group = "test.run_tracker",
                                    .once = true};
    cr_assert_eq(spira_loop_run(&loop, &err), SPIRA_OK, "%s", err.message);
}

static int64_t committed(const char *topic)
{
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    cr_assert_eq(
        spira_bus_pending(fixture.worker.bus, "test.run_tracker", topic, &ranges, &count, &err),
        SPIRA_OK);
    int64_t from = ranges[0].from;
    free(ranges);
    return from;
}

static void emit(const char *event, const char *run_id, const char *json)
{
    cr_assert_eq(spira_run_event_emit(&fixture.worker, event, run_id, fixture_value(json), &err),
                 SPIRA_OK, "%s", err.message);
}

static void request(const char *run_id)
{
    emit("run.requested", run_id, "{'name': 'small', 'manifest': " REFERENCE "}");
}

static void cancel(const char *run_id)
{
    emit("run.control", run_id, "{'action': 'cancel'}");
}

static void expect_state(const char *expected)
{
    SPIRA_CLEANUP(spira_free_at)
    char *state = NULL;
    cr_assert_eq(spira_state_field(fixture.worker.state, RUN_ID, "state", &state, &err), SPIRA_OK);
    cr_assert(state && strcmp(state, expected) == 0, "%s", state ? state : "none");
}

Test(tracker_handler, a_wiped_state_is_rebuilt_before_a_process_says_it_is_done)
{
    request(RUN_ID);
    cancel(RUN_ID);
    run_process(99);
    expect_state("canceled");
    cr_assert_eq(spira_state_clear(fixture.worker.state, &err), SPIRA_OK);
    run_process(99);
    expect_state("canceled");
    cr_assert_eq(fixture_count(&fixture, "run.canceled"), 1);
}

/* A message comes before anybody has looked whether the state is behind. Nobody has requested the
 * runs: nothing says that they are over. */
Test(tracker_handler, what_a_message_goes_back_to_is_said_no_more)
{
    cancel(RUN_ID);
    run_process(99);
    cr_assert_eq(fixture_count(&fixture, "run.canceled"), 1);
    cr_assert_eq(spira_state_clear(fixture.worker.state, &err), SPIRA_OK);
    cancel(OTHER_RUN);
    run_process(99);
    cr_assert_eq(fixture_count(&fixture, "run.canceled"), 2);
}

Test(tracker_handler, a_process_that_dies_while_it_goes_back_leaves_the_group_where_it_was)
{
    for (size_t i = 0; i < 4; i++)
        request(RUN_ID);
    run_process(99);
    cr_assert_eq(committed("test.run.requested"), 4);
    cr_assert_eq(spira_state_clear(fixture.worker.state, &err), SPIRA_OK);
    request(OTHER_RUN);
    run_process(3); /* the new one, the first, the second */
    cr_assert_eq(committed("test.run.requested"), 4);
    run_process(99);
    cr_assert_eq(committed("test.run.requested"), 5);
    expect_state("pending");
}

Test(tracker_handler, a_topic_that_was_made_anew_is_noticed_and_the_state_too)
{
    cr_assert_eq(spira_run_tracker_skip(&fixture.worker, "test.run.requested", 0, 7, &err),
                 SPIRA_OK);
    request(RUN_ID);
    run_process(99);
    expect_state("pending");
}
