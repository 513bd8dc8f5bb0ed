#include "cli/run_follow.h"

#include <criterion/criterion.h>

#include "adapters/flaky/run_state_flaky.h"
#include "tests/cli/run_stage.h"

/* What the watch and the ears hear, in one text; and what happens to the run meanwhile. */
static struct stage {
    struct fixture fixture;
    char heard[2000];
    int64_t begun_ms;
    int ticks, stop_at;
    void (*happen)(int tick);
} stage;

static struct spira_error err;

static void hear(const char *format, ...) SPIRA_PRINTF(1, 2);

static void hear(const char *format, ...)
{
    size_t used = strlen(stage.heard);
    va_list args;
    va_start(args, format);
    vsnprintf(stage.heard + used, sizeof stage.heard - used, format, args);
    va_end(args);
}

static void report(void *self, const struct spira_progress_report *heard)
{
    (void)self;
    if (heard->epochs)
        hear("epoch %zu/%zu;", heard->epoch, heard->epochs);
    else
        hear("%zu/%zu;", heard->done, heard->total);
}

static bool never(void *self)
{
    (void)self;
    return false;
}

static const struct spira_progress_ops shown_ops = {.report = report, .stop_wanted = never};

static struct spira_progress begin(void *self, const char *step)
{
    (void)self;
    hear("+%s;", step);
    return (struct spira_progress){.ops = &shown_ops};
}

static void end(void *self, const char *step, const char *status, double seconds)
{
    (void)self;
    hear("-%s %s %.0f;", step, status, seconds);
}

static void say(void *self, const char *text)
{
    (void)self;
    hear("say %s;", text);
}

/* Each tick of the waiting. */
static bool stop_wanted(void *self)
{
    (void)self;
    int tick = ++stage.ticks;
    if (stage.happen)
        stage.happen(tick);
    return stage.stop_at && tick >= stage.stop_at;
}

static void ignore(void *self, const struct spira_progress_report *unheard)
{
    (void)self;
    (void)unheard;
}

static void setup(void)
{
    fixture_init(&stage.fixture);
}

static void teardown(void)
{
    fixture_done(&stage.fixture);
}

TestSuite(run_follow, .init = setup, .fini = teardown);

static enum spira_code follow(int64_t timeout_ms, struct spira_value **ret_object)
{
    static const struct spira_progress_ops stop_ops = {.report = ignore,
                                                       .stop_wanted = stop_wanted};
    static const struct spira_step_watch watch = {.begin = begin, .end = end};
    const struct spira_run_follow how = {
        .worker = &stage.fixture.worker,
        .run_id = RUN_ID,
        .timeout_ms = timeout_ms,
        .watch = &watch,
        .stop = {.ops = &stop_ops},
        .say = say,
    };
    stage.begun_ms = spira_clock_monotonic_ms(stage.fixture.worker.clock);
    return spira_run_follow(&how, ret_object, &err);
}

static int64_t waited_ms(void)
{
    return spira_clock_monotonic_ms(stage.fixture.worker.clock) - stage.begun_ms;
}

static void expect_end(const char *state)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = NULL;
    cr_assert_eq(follow(-1, &object), SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(spira_value_get_text(object, "state", ""), state);
}

static void progress(const char *step, const char *text)
{
    cr_assert_eq(
        spira_state_put_progress(stage.fixture.worker.state, RUN_ID, step, text, 100000, &err),
        SPIRA_OK);
}

/* A whole run, a piece at each look (five ticks). */
static void go_on(int tick)
{
    const struct fixture *fixture = &stage.fixture;
    switch (tick) {
    case 3:
        stage_field(fixture, RUN_ID, "state", "running");
        stage_field(fixture, RUN_ID, "shards", "2");
        stage_member(fixture, RUN_ID, "shards", "00000", "{}");
        break;
    case 15:
        stage_member(fixture, RUN_ID, "shards", "00001", "{}");
        stage_member(fixture, RUN_ID, "step.feature_engineering", "features.computed.00000",
                     "{\"status\":\"reused\",\"seconds\":3.0}");
        stage_field(fixture, RUN_ID, "dataset", "{}");
        progress("model_training", "{\"done\":3,\"total\":10,\"epoch\":1,\"epochs\":5}");
        break;
    case 25:
        stage_field(fixture, RUN_ID, "model", "{}");
        progress("model_evaluation", "no JSON");
        break;
    case 35:
        stage_success(fixture, RUN_ID);
        break;
    default:
        break;
    }
}

Test(run_follow, the_watch_hears_of_each_step_and_how_far_it_is)
{
    stage.happen = go_on;
    expect_end("succeeded");
    static const char *const parts[] = {
        "+feature_engineering;1/2;",
        "2/2;-feature_engineering reused 3;",
        "+model_training;epoch 1/5;",
        "-model_training succeeded 0;+model_evaluation;",
        "-model_evaluation succeeded 0;+model_publish;-model_publish succeeded 0;",
    };
    const char *at = stage.heard;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        at = strstr(at, parts[i]);
        cr_assert(at, "'%s' should have %s", stage.heard, parts[i]);
    }
}

Test(run_follow, a_run_that_is_over_is_given_at_once)
{
    stage_success(&stage.fixture, RUN_ID);
    expect_end("succeeded");
    cr_assert_eq(waited_ms(), 0);
}

Test(run_follow, a_run_that_failed_ends_the_step_under_way)
{
    stage_field(&stage.fixture, RUN_ID, "state", "failed");
    stage_field(&stage.fixture, RUN_ID, "message", "too few");
    expect_end("failed");
    cr_assert_str_eq(stage.heard, "+feature_engineering;-feature_engineering failed 0;");
}

Test(run_follow, the_time_ends_the_waiting_for_a_run_nobody_has_met)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = NULL;
    cr_assert_eq(follow(1200, &object), SPIRA_OK);
    cr_assert_null(object);
    cr_assert_eq(waited_ms(), 1200);
    cr_assert_eq(follow(0, &object), SPIRA_OK);
    cr_assert_null(object);
    cr_assert_eq(waited_ms(), 0);
}

Test(run_follow, somebody_can_stop_waiting)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = NULL;
    stage.stop_at = 3;
    cr_assert_eq(follow(-1, &object), SPIRA_EINTERRUPTED);
    cr_assert_null(object);
}

/* The last event overtook one about the dataset, which comes a second later. */
static void come_late(int tick)
{
    if (tick == 10)
        stage_success(&stage.fixture, RUN_ID);
}

Test(run_follow, a_run_that_is_over_is_not_given_before_all_of_it_is_known)
{
    stage_field(&stage.fixture, RUN_ID, "state", "succeeded");
    stage.happen = come_late;
    expect_end("succeeded");
    cr_assert(waited_ms() >= 900 && waited_ms() < 3000, "%jd ms", (intmax_t)waited_ms());
    stage.happen = NULL;
}

Test(run_follow, what_never_comes_is_not_waited_for)
{
    stage_field(&stage.fixture, RUN_ID, "state", "rejected");
    expect_end("rejected");
    cr_assert(waited_ms() >= 60000 && waited_ms() < 62000, "%jd ms", (intmax_t)waited_ms());
}

Test(run_follow, a_service_that_goes_away_is_waited_for_and_people_are_told_once)
{
    static const enum spira_code codes[] = {SPIRA_EUNREACHABLE, SPIRA_ETIMEOUT, SPIRA_EUNREACHABLE};
    static struct spira_flaky_script script = {.operation = "run", .codes = codes, .count = 3};
    stage_success(&stage.fixture, RUN_ID);
    stage.fixture.worker.state = spira_run_state_flaky(stage.fixture.worker.state, &script, 1);
    expect_end("succeeded");
    const char *first = strstr(stage.heard, "still waiting");
    cr_assert(first && !strstr(first + 1, "still waiting"), "%s", stage.heard);
    cr_assert(strstr(first, "answer again"));
    cr_assert_eq(waited_ms(), 1500);
}
