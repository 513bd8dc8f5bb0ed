#include "workers/run_tracker/run_tracker.h"

#include <criterion/criterion.h>

#include "tests/workers/fixture.h"

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define REFERENCE(key) "{'key': '" key "', 'sha256': '" DIGEST "', 'bytes': 0}"
#define RUN "{'run_id': '" RUN_ID "', "
#define EXECUTION "'execution': {'status': 'succeeded', 'seconds': 1.5}"

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(run_tracker, .init = setup, .fini = teardown);

static bool handle(const struct spira_message *message)
{
    struct spira_error err = {0};
    bool applied = false;
    cr_assert_eq(spira_run_tracker_handle(&fixture.worker, message, &applied, &err), SPIRA_OK, "%s",
                 err.message);
    return applied;
}

static const struct spira_message *follow(const char *event, const char *json)
{
    spira_clock_memory_advance(&fixture.clock, 1);
    const struct spira_message *message = fixture_emit(&fixture, event, fixture_value(json));
    cr_assert(handle(message));
    return message;
}

static struct spira_value *run_state(void)
{
    struct spira_error err = {0};
    struct spira_value *run = NULL;
    cr_assert_eq(spira_state_run(fixture.worker.state, RUN_ID, &run, &err), SPIRA_OK, "%s",
                 err.message);
    return run;
}

static void expect_state(const char *expected)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = run_state();
    cr_assert_str_eq(spira_value_as_text(spira_value_find(run, "fields.state"), ""), expected);
}

static void request(void)
{
    follow("run.requested",
           RUN "'name': 'small', 'manifest': " REFERENCE("runs/r/manifest.json") "}");
}

static void plan(const char *shard)
{
    SPIRA_CLEANUP(spira_free_at)
    char *json = spira_format(RUN "'shard': %s, 'shards': 2, 'plan': " REFERENCE(
                                  "dataset/p/plan.json") ", " EXECUTION "}",
                              shard);
    follow("features.requested", json);
}

Test(run_tracker, a_run_goes_from_pending_to_succeeded)
{
    request();
    expect_state("pending");
    plan("0");
    expect_state("running");
    follow("model.published",
           RUN "'name': 'spira', 'version': 3, 'sha256': '" DIGEST "', 'key': 'registry/k'}");
    expect_state("succeeded");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = run_state();
    cr_assert_str_eq(spira_value_as_text(spira_value_find(run, "fields.version"), ""), "3");
    cr_assert_str_eq(spira_value_as_text(spira_value_find(run, "fields.published"), ""),
                     "registry/k");
}

Test(run_tracker, a_run_that_is_over_stays_as_it_ended)
{
    request();
    follow("run.failed", RUN "'step': 'model_training', 'reason': 'diverged', 'message': 'why'}");
    expect_state("failed");
    follow("model.published",
           RUN "'name': 'spira', 'version': 3, 'sha256': '" DIGEST "', 'key': 'registry/k'}");
    follow("run.canceled", RUN "'step': 'model_training'}");
    plan("0");
    expect_state("failed");
}

Test(run_tracker, an_operator_cancels_a_run_under_way)
{
    request();
    plan("0");
    follow("run.control", RUN "'action': 'pause'}");
    cr_assert_eq(fixture_count(&fixture, "run.canceled"), 0u);
    follow("run.control", RUN "'action': 'cancel'}");
    cr_assert_eq(fixture_count(&fixture, "run.canceled"), 1u);
    cr_assert(handle(fixture_message(&fixture, "run.canceled", 0)));
    expect_state("canceled");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = run_state();
    cr_assert_str_eq(spira_value_as_text(spira_value_find(run, "fields.wanted"), ""), "canceled");
    cr_assert(handle(fixture_message(&fixture, "run.control", 1)));
    cr_assert_eq(fixture_count(&fixture, "run.canceled"), 1u, "it is over");
}

Test(run_tracker, a_run_that_is_over_is_not_canceled)
{
    request();
    follow("run.failed", RUN "'step': 'model_training', 'reason': 'diverged'}");
    follow("run.control", RUN "'action': 'cancel'}");
    cr_assert_eq(fixture_count(&fixture, "run.canceled"), 0u);
    expect_state("failed");
}

Test(run_tracker, the_end_that_came_first_counts_whichever_is_read_first)
{
    request();
    spira_clock_memory_advance(&fixture.clock, 1);
    const struct spira_message *canceled =
        fixture_emit(&fixture, "run.canceled", fixture_value(RUN "'step': 'model_training'}"));
    follow("run.failed", RUN "'step': 'model_training', 'reason': 'diverged'}");
    expect_state("failed");
    cr_assert(handle(canceled));
    expect_state("canceled");
}

Test(run_tracker, a_refusal_of_the_gate_is_no_failure)
{
    request();
    follow("run.failed", RUN "'step': 'model_publish', 'reason': 'gate', 'rejected': true}");
    expect_state("rejected");
}

Test(run_tracker, the_plan_counts_once_however_many_shards_it_requests)
{
    request();
    plan("0");
    plan("1");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = run_state();
    const struct spira_value *sets = spira_value_get(run, "sets");
    cr_assert_eq(spira_value_count(spira_value_get(sets, "step.feature_engineering")), 1u);
}

Test(run_tracker, a_message_that_comes_again_changes_nothing)
{
    request();
    const struct spira_message *message =
        follow("audio.accepted",
               "{'recording': " REFERENCE(
                   "audio/a") ", 'role': 'noise', 'facts': {'format': 'wav', "
                              "'rate_hz': 16000, 'channels': 1, 'frames': 1, 'seconds': 1}}");
    int64_t count = 0;
    struct spira_error err;
    cr_assert(handle(message));
    cr_assert_eq(spira_state_counter(fixture.worker.state, "audio.accepted", &count, &err),
                 SPIRA_OK);
    cr_assert_eq(count, 1);
}

Test(run_tracker, a_message_that_comes_too_early_is_not_applied)
{
    fixture_emit(&fixture, "run.canceled", fixture_value(RUN "'step': 'x'}"));
    const struct spira_message *second =
        fixture_emit(&fixture, "run.canceled", fixture_value(RUN "'step': 'y'}"));
    cr_assert_not(handle(second));
    struct spira_value *run = NULL;
    struct spira_error err;
    cr_assert_eq(spira_state_run(fixture.worker.state, RUN_ID, &run, &err), SPIRA_ENOTFOUND);
}

Test(run_tracker, a_state_that_was_wiped_is_rebuilt_equal)
{
    request();
    plan("0");
    plan("1");
    follow("run.failed", RUN "'step': 'model_training', 'reason': 'diverged', " EXECUTION "}");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *before = run_state();
    struct spira_error err;
    cr_assert_eq(spira_state_clear(fixture.worker.state, &err), SPIRA_OK);
    static const char *const events[] = {"run.requested", "features.requested", "run.failed"};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        for (size_t j = 0; j < fixture_count(&fixture, events[i]); j++)
            cr_assert(handle(fixture_message(&fixture, events[i], j)));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *after = run_state();
    cr_assert(spira_value_equal(before, after));
}
