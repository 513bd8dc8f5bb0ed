#include "cli/state_check.h"

#include <criterion/criterion.h>

#include "adapters/memory/run_state_memory.h"
#include "tests/workers/fixture.h"
#include "tests/workers/run_tracker/histories.h"

enum { PATIENCE_MS = 1000 };

static struct fixture fixture;
static struct spira_error err;
static struct spira_state_check check;

static void setup(void)
{
    fixture_init(&fixture);
    histories_topics(&fixture.worker);
    histories_emit(&fixture.worker, &fixture.clock, 4, 1);
}

static void teardown(void)
{
    spira_state_check_done(&check);
    fixture_done(&fixture);
}

TestSuite(state_check, .init = setup, .fini = teardown);

static void replay(void)
{
    struct spira_replay_counts counts = {0};
    cr_assert_eq(
        spira_run_tracker_replay(&fixture.worker, (struct spira_progress){0}, &counts, &err),
        SPIRA_OK);
}

/* Compares; gives the number of differences. */
static size_t compare(void)
{
    spira_state_check_done(&check);
    SPIRA_CLEANUP(spira_run_state_done)
    struct spira_run_state fresh = spira_run_state_memory(fixture.worker.clock);
    cr_assert_eq(spira_state_compare(&fixture.worker, fresh, PATIENCE_MS,
                                     (struct spira_progress){0}, &check, &err),
                 SPIRA_OK, "%s", err.message);
    return spira_value_count(check.differences);
}

static void expect_difference(const char *text)
{
    for (size_t i = 0; i < spira_value_count(check.differences); i++)
        if (strstr(spira_value_as_text(spira_value_at(check.differences, i), ""), text))
            return;
    cr_assert(false, "no difference says '%s'", text);
}

/* Changes the state behind the run tracker's back. */
static void tamper(enum spira_state_action action, const char *run_id, const char *name,
                   const char *member, const char *value)
{
    static int64_t offset = 0;
    const struct spira_state_operation operation = {action, run_id, name, member, value};
    const struct spira_state_change change = {
        .topic = "elsewhere", .offset = offset++, .operations = &operation, .count = 1};
    bool applied = false;
    cr_assert_eq(spira_state_apply(fixture.worker.state, &change, &applied, &err), SPIRA_OK);
    cr_assert(applied);
}

static const char a_run[] = "01890a5d-ac96-774b-bcce-000001000000";

Test(state_check, a_state_that_the_events_made_is_equal)
{
    replay();
    cr_assert_eq(compare(), 0u);
    cr_assert_eq(check.runs, 4u);
    cr_assert_eq(check.counts.events, histories_count(&fixture.worker));
}

Test(state_check, finds_a_field_that_was_tampered_with)
{
    replay();
    tamper(SPIRA_STATE_SET, a_run, "state", NULL, "splendid");
    cr_assert_eq(compare(), 1u);
    expect_difference("run 01890a5d-ac96-774b-bcce-000001000000 fields state: the state has "
                      "\"splendid\", the events make it \"");
}

Test(state_check, finds_what_is_too_much_and_what_is_missing)
{
    replay();
    tamper(SPIRA_STATE_ADD, a_run, "shards", "99999", "x");
    tamper(SPIRA_STATE_SET, a_run, "colour", NULL, "red");
    tamper(SPIRA_STATE_SET, "01890a5d-ac96-774b-bcce-000009000000", "state", NULL, "running");
    tamper(SPIRA_STATE_COUNT, NULL, "audio.accepted", NULL, NULL);
    cr_assert_eq(compare(), 4u);
    expect_difference("sets shards 99999: the state has \"x\", the events make it nothing");
    expect_difference("fields colour: the state has \"red\", the events make it nothing");
    expect_difference("000009000000: the state has the run, the events make it nothing");
    expect_difference("counter audio.accepted: the state has ");
}

Test(state_check, a_state_that_stays_behind_is_not_equal)
{
    cr_assert_gt(compare(), 4u);
    expect_difference("partition 0, events applied: the state has 0, the events make it ");
    expect_difference("the state has nothing, the events make it a run");
}

/* A run tracker that applies everything when the comparison begins anew. */
static void catch_up(void *self, const struct spira_progress_report *report)
{
    (void)self;
    if (report->done == report->total)
        replay();
}

static bool never(void *self)
{
    (void)self;
    return false;
}

Test(state_check, waits_for_a_run_tracker_at_work)
{
    static const struct spira_progress_ops ops = {catch_up, never};
    SPIRA_CLEANUP(spira_run_state_done)
    struct spira_run_state fresh = spira_run_state_memory(fixture.worker.clock);
    cr_assert_eq(spira_state_compare(&fixture.worker, fresh, PATIENCE_MS,
                                     (struct spira_progress){&ops, NULL}, &check, &err),
                 SPIRA_OK);
    cr_assert_eq(spira_value_count(check.differences), 0u);
}
