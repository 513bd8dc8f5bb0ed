#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "adapters/flaky/object_store_flaky.h"
#include "core/base/file.h"
#include "tests/workers/fixture.h"
#include "workers/common/child/computation.h"

static struct fixture fixture;
static struct spira_step_call call;
static struct spira_checkpoints checkpoints;
static char *outputs;

/* What the progress saw. */
static struct seen {
    pthread_t reporter;
    int reports;
    atomic_bool stop;
} seen;

static void report(void *self, const struct spira_progress_report *progress)
{
    (void)self;
    (void)progress;
    seen.reporter = pthread_self();
    seen.reports++;
}

static bool stop_wanted(void *self)
{
    (void)self;
    return atomic_load(&seen.stop);
}

static void setup(void)
{
    static const struct spira_progress_ops ops = {.report = report, .stop_wanted = stop_wanted};
    struct spira_error err;
    fixture_init(&fixture);
    outputs = spira_format("%s/out", fixture.folder);
    call = (struct spira_step_call){
        .worker = &fixture.worker, .outputs = outputs, .progress = {.ops = &ops}};
    spira_job_init(&call.job, "model_training", 1, "models");
    spira_job_seal(&call.job, fixture.worker.tools.digest);
    cr_assert_eq(
        spira_checkpoints_fetch(fixture.worker.store, &call.job, outputs, &checkpoints, &err),
        SPIRA_OK);
}

static void teardown(void)
{
    spira_checkpoints_done(&checkpoints);
    spira_job_done(&call.job);
    free(outputs);
    fixture_done(&fixture);
}

TestSuite(computation, .init = setup, .fini = teardown);

static void write_checkpoint(const char *folder)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/checkpoints/step-000001.safetensors", folder);
    cr_assert_eq(spira_file_write(path, "half", 4, &err), SPIRA_OK);
}

/* Writes a checkpoint and works until it is told to stop, or for half a second. */
static enum spira_code work(const struct spira_job *job, const char *inputs, const char *folder,
                            const struct spira_tools *tools, struct spira_progress progress,
                            struct spira_value **ret_result, struct spira_error *err)
{
    (void)job;
    (void)inputs;
    (void)tools;
    const struct spira_progress_report report = {.done = 1, .total = 2};
    write_checkpoint(folder);
    for (int i = 0; i < 50; i++) {
        spira_progress_report(progress, &report);
        if (spira_progress_stop_wanted(progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped");
        usleep(10000);
    }
    *ret_result = spira_value_text("done");
    return SPIRA_OK;
}

static enum spira_code fail_late(const struct spira_job *job, const char *inputs,
                                 const char *folder, const struct spira_tools *tools,
                                 struct spira_progress progress, struct spira_value **ret_result,
                                 struct spira_error *err)
{
    (void)job;
    (void)inputs;
    (void)folder;
    (void)tools;
    (void)progress;
    *ret_result = NULL;
    return spira_fail(err, SPIRA_EDIVERGED, "epoch 3: the loss is not a number");
}

static const struct spira_step working = {.compute = work}, failing = {.compute = fail_late};

static void be_flaky(struct spira_flaky_script *script)
{
    fixture.worker.store = spira_object_store_flaky(fixture.worker.store, script, 1);
    checkpoints.store = fixture.worker.store;
}

Test(computation, its_result_and_its_checkpoint_arrive_and_one_thread_reports)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = NULL;
    struct spira_error err;
    cr_assert_eq(spira_compute_in_thread(&call, &working, &checkpoints, &result, &err), SPIRA_OK);
    cr_assert_str_eq(spira_value_as_text(result, ""), "done");
    cr_assert_eq(fixture_keys(&fixture, "models/"), 1);
    cr_assert_gt(seen.reports, 1);
    cr_assert_not(pthread_equal(seen.reporter, pthread_self()));
}

Test(computation, its_failure_is_told_as_it_was)
{
    struct spira_value *result = NULL;
    struct spira_error err;
    cr_assert_eq(spira_compute_in_thread(&call, &failing, &checkpoints, &result, &err),
                 SPIRA_EDIVERGED);
    cr_assert_str_eq(err.message, "epoch 3: the loss is not a number");
    cr_assert_null(result);
}

Test(computation, a_store_that_does_not_answer_costs_no_computation)
{
    static const enum spira_code codes[] = {SPIRA_EUNREACHABLE, SPIRA_EIO};
    struct spira_flaky_script script = {.operation = "put_file", .codes = codes, .count = 2};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = NULL;
    struct spira_error err;
    be_flaky(&script);
    cr_assert_eq(spira_compute_in_thread(&call, &working, &checkpoints, &result, &err), SPIRA_OK);
    cr_assert_eq(atomic_load(&script.played), 2);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 1, "stored at the third attempt");
}

Test(computation, a_broken_promise_of_the_store_stops_it)
{
    static const enum spira_code codes[] = {SPIRA_EBUG};
    struct spira_flaky_script script = {.operation = "put_file", .codes = codes, .count = 1};
    struct spira_value *result = NULL;
    struct spira_error err;
    be_flaky(&script);
    cr_assert_eq(spira_compute_in_thread(&call, &working, &checkpoints, &result, &err), SPIRA_EBUG);
    cr_assert_lt(seen.reports, 40, "it was told to stop");
    cr_assert_null(result);
}

Test(computation, a_stop_ends_with_the_checkpoint_stored)
{
    struct spira_value *result = NULL;
    struct spira_error err;
    atomic_store(&seen.stop, true);
    cr_assert_eq(spira_compute_in_thread(&call, &working, &checkpoints, &result, &err),
                 SPIRA_EINTERRUPTED);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 1);
}

Test(computation, a_stop_whose_checkpoint_cannot_be_stored_says_so)
{
    static const enum spira_code codes[] = {SPIRA_EIO};
    struct spira_flaky_script script = {.operation = "put_file", .codes = codes, .count = 1};
    struct spira_value *result = NULL;
    struct spira_error err;
    be_flaky(&script);
    atomic_store(&seen.stop, true);
    cr_assert_eq(spira_compute_in_thread(&call, &working, &checkpoints, &result, &err), SPIRA_EIO);
}
