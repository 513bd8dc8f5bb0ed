#include <criterion/criterion.h>
#include <unistd.h>

#include "adapters/flaky/event_bus_flaky.h"
#include "adapters/flaky/object_store_flaky.h"
#include "core/base/file.h"
#include "tests/workers/fixture.h"

/* What the step under test does: it ends as the test says. */
static struct play {
    enum spira_code prepare, compute;
    bool checkpoint; /* it writes one */
    bool resumed;    /* it found one */
    int computed;    /* times */
    int round;       /* another one is another job */
    const char *input;
} play;

static struct fixture fixture;

static enum spira_code fake_prepare(struct spira_step_call *call, struct spira_error *err)
{
    if (play.prepare != SPIRA_OK)
        return spira_fail(err, play.prepare, "the preparation failed");
    spira_value_set_int(call->job.parameters, "round", play.round);
    if (play.input)
        spira_job_input(&call->job, "input", play.input,
                        spira_digest_bytes(call->worker->tools.digest, "whole", 5).hex, NULL);
    return SPIRA_OK;
}

static enum spira_code fake_compute(const struct spira_job *job, const char *inputs,
                                    const char *outputs, const struct spira_tools *tools,
                                    struct spira_progress progress, struct spira_value **ret_result,
                                    struct spira_error *err)
{
    (void)job;
    (void)inputs;
    (void)tools;
    (void)progress;
    play.computed++;
    SPIRA_CLEANUP(spira_free_at)
    char *checkpoint = spira_format("%s/checkpoints/step-000001.safetensors", outputs);
    play.resumed = access(checkpoint, F_OK) == 0;
    if (play.checkpoint && !play.resumed)
        cr_assert_eq(spira_file_write(checkpoint, "half", 4, err), SPIRA_OK);
    if (play.compute != SPIRA_OK)
        return spira_fail(err, play.compute, "the computation failed");
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/model.safetensors", outputs);
    cr_assert_eq(spira_file_write(path, "weights", 7, err), SPIRA_OK);
    *ret_result = spira_value_map();
    spira_value_set_int(*ret_result, "epochs", 3);
    return SPIRA_OK;
}

static enum spira_code fake_complete(struct spira_step_call *call, struct spira_error *err)
{
    cr_assert_eq(spira_value_get_int(call->result, "epochs", 0), 3);
    struct spira_value *fields = spira_value_map();
    spira_value_set(fields, "dataset", spira_value_copy(spira_value_get(call->value, "dataset")));
    spira_value_set(fields, "artifact", spira_value_copy(call->reference));
    return spira_step_emit(call, "model.trained", fields, err);
}

static const struct spira_step fake = {
    .name = "fake",
    .consumes = "features.completed",
    .version = 1,
    .prefix = "models",
    .prepare = fake_prepare,
    .compute = fake_compute,
    .complete = fake_complete,
};

static const struct spira_message *message;

static void setup(void)
{
    play = (struct play){.compute = SPIRA_OK};
    fixture_init(&fixture);
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "dataset", fixture_put(&fixture, "dataset/x/dataset.json", "{}"));
    message = fixture_emit(&fixture, "features.completed", event);
}

static void teardown(void)
{
    cr_assert(fixture_is_clean(&fixture), "a step left files behind");
    fixture_done(&fixture);
}

TestSuite(step_runner, .init = setup, .fini = teardown);

static enum spira_code run(struct spira_step_outcome *outcome, struct spira_error *err)
{
    return spira_step_run(&fixture.worker, &fake, message, (struct spira_progress){0}, outcome,
                          err);
}

static void expect_status(const char *status)
{
    struct spira_step_outcome outcome = {0};
    struct spira_error err = {0};
    cr_assert_eq(run(&outcome, &err), SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(outcome.status, status);
    bool failed = strcmp(status, "succeeded") != 0 && strcmp(status, "reused") != 0;
    cr_assert_eq(outcome.failure.code != SPIRA_OK, failed, "%s", outcome.failure.message);
}

Test(step_runner, a_result_is_stored_and_told)
{
    expect_status("succeeded");
    cr_assert_eq(play.computed, 1);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 2, "weights and artifact");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *trained = fixture_event(&fixture, "model.trained", 0);
    cr_assert_str_eq(spira_value_get_text(trained, "run_id", ""), RUN_ID);
    cr_assert(
        fixture_has(&fixture, spira_value_as_text(spira_value_find(trained, "artifact.key"), "")));
    cr_assert_str_eq(spira_value_as_text(spira_value_find(trained, "execution.status"), ""),
                     "succeeded");
}

Test(step_runner, a_computation_that_never_ends_well_fails_its_run)
{
    static const enum spira_code codes[] = {SPIRA_ECRASHED, SPIRA_EOVERRAN, SPIRA_EOUTGREW};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        play.compute = codes[i];
        expect_status("failed");
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *failed = fixture_event(&fixture, "run.failed", i);
        cr_assert_str_eq(spira_value_get_text(failed, "reason", ""), spira_code_text(codes[i]));
    }
}

Test(step_runner, a_repeated_message_reuses_the_result_and_says_the_same)
{
    expect_status("succeeded");
    spira_clock_memory_advance(&fixture.clock, 5000);
    expect_status("reused");
    cr_assert_eq(play.computed, 1);
    cr_assert_eq(fixture_count(&fixture, "model.trained"), 2);
    cr_assert_str_eq(spira_message_header(fixture_message(&fixture, "model.trained", 0), "ce_id"),
                     spira_message_header(fixture_message(&fixture, "model.trained", 1), "ce_id"));
}

Test(step_runner, an_altered_result_is_computed_again)
{
    expect_status("succeeded");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *trained = fixture_event(&fixture, "model.trained", 0);
    const char *artifact = spira_value_as_text(spira_value_find(trained, "artifact.key"), "");
    SPIRA_CLEANUP(spira_free_at)
    char *weights =
        spira_format("%.*s/model.safetensors", (int)(strrchr(artifact, '/') - artifact), artifact);
    spira_value_free(fixture_put(&fixture, weights, "other"));
    expect_status("succeeded");
    cr_assert_eq(play.computed, 2);
    expect_status("reused");
}

Test(step_runner, a_failure_of_the_input_ends_the_run)
{
    play.compute = SPIRA_EDIVERGED;
    struct spira_step_outcome outcome = {0};
    struct spira_error err = {0};
    cr_assert_eq(run(&outcome, &err), SPIRA_OK, "the message is dealt with");
    cr_assert_str_eq(outcome.status, "failed");
    cr_assert_eq(outcome.failure.code, SPIRA_EDIVERGED);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    cr_assert_str_eq(spira_value_get_text(failed, "step", ""), "fake");
    cr_assert_str_eq(spira_value_get_text(failed, "message", ""), "the computation failed");
    cr_assert_not(spira_value_get_bool(failed, "rejected", false));
    cr_assert_eq(fixture_count(&fixture, "model.trained"), 0);
}

Test(step_runner, a_refusal_is_no_failure)
{
    play.prepare = SPIRA_EREJECTED;
    expect_status("rejected");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    cr_assert(spira_value_get_bool(failed, "rejected", false));
    cr_assert_str_eq(spira_value_as_text(spira_value_find(failed, "execution.status"), ""),
                     "rejected");
}

Test(step_runner, a_transient_failure_settles_nothing)
{
    static const enum spira_code codes[] = {SPIRA_EIO, SPIRA_ENOMEMORY, SPIRA_EUNREACHABLE};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct spira_step_outcome outcome = {0};
        struct spira_error err;
        play.compute = codes[i];
        cr_assert_eq(run(&outcome, &err), codes[i]);
        cr_assert_eq(fixture_count(&fixture, "run.failed"), 0);
        cr_assert_eq(fixture_count(&fixture, "model.trained"), 0);
    }
    play.compute = SPIRA_OK;
    expect_status("succeeded");
}

Test(step_runner, an_interrupted_step_goes_on_from_its_checkpoint)
{
    struct spira_step_outcome outcome = {0};
    struct spira_error err;
    play.checkpoint = true;
    play.compute = SPIRA_EINTERRUPTED;
    cr_assert_eq(run(&outcome, &err), SPIRA_EINTERRUPTED);
    cr_assert_not(play.resumed);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 1, "the checkpoint, and no artifact");
    play.compute = SPIRA_OK;
    expect_status("succeeded");
    cr_assert(play.resumed);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 2, "nobody needs the checkpoint any more");
}

/* Fails the n-th call of the store, for each n, until a whole step goes through without one. Each
 * time a former attempt has left a checkpoint, so that fetching and removing it are among them. */
Test(step_runner, a_store_that_fails_at_any_call_costs_only_another_attempt)
{
    enum spira_code codes[64] = {SPIRA_OK};
    struct spira_flaky_script script = {.codes = codes};
    fixture.worker.store = spira_object_store_flaky(fixture.worker.store, &script, 1);
    play.checkpoint = true;
    bool through = false;
    for (size_t failing = 0; !through; failing++) {
        cr_assert_lt(failing, sizeof codes / sizeof *codes);
        struct spira_step_outcome outcome = {0};
        struct spira_error err;
        play.round++; /* another job: nothing of it is there */
        play.compute = SPIRA_EINTERRUPTED;
        cr_assert_eq(run(&outcome, &err), SPIRA_EINTERRUPTED);
        play.compute = SPIRA_OK;
        memset(codes, 0, sizeof codes);
        codes[failing] = SPIRA_EIO;
        atomic_store(&script.played, 0);
        script.count = failing + 1;
        enum spira_code code = run(&outcome, &err);
        through = atomic_load(&script.played) <= failing;
        cr_assert_eq(code, through ? SPIRA_OK : SPIRA_EIO, "call %zu", failing);
        cr_assert_eq(fixture_count(&fixture, "run.failed"), 0);
        script.count = 0;
        cr_assert_eq(run(&outcome, &err), SPIRA_OK, "after call %zu: %s", failing, err.message);
    }
    /* Look for the artifact, list checkpoints, put the output, put the artifact: 4, then through.
     */
    cr_assert_geq(play.round, 5);
}

Test(step_runner, waits_until_what_it_said_is_acknowledged)
{
    static const enum spira_code codes[] = {SPIRA_ETIMEOUT, SPIRA_ETIMEOUT};
    struct spira_flaky_script script = {.operation = "flush", .codes = codes, .count = 2};
    fixture.worker.bus = spira_event_bus_flaky(fixture.worker.bus, &script, 1);
    expect_status("succeeded");
    cr_assert_eq(atomic_load(&script.played), 2);
}

Test(step_runner, a_topic_that_is_not_there_fails_no_run)
{
    static const enum spira_code codes[] = {SPIRA_ENOTFOUND};
    struct spira_flaky_script script = {.operation = "send", .codes = codes, .count = 1};
    struct spira_event_bus memory = fixture.worker.bus;
    fixture.worker.bus = spira_event_bus_flaky(memory, &script, 1);
    struct spira_step_outcome outcome = {0};
    struct spira_error err;
    cr_assert_eq(run(&outcome, &err), SPIRA_EUNREACHABLE);
    cr_assert(strstr(err.message, "topics ensure"), "%s", err.message);
    expect_status("reused");
    cr_assert_eq(fixture_count(&fixture, "run.failed"), 0);
}

/* The bus tells it once: to flush again and believe that is to lose the event. */
Test(step_runner, an_event_that_was_refused_is_not_taken_for_acknowledged)
{
    static const enum spira_code codes[] = {SPIRA_ETIMEOUT, SPIRA_EUNREACHABLE};
    struct spira_flaky_script script = {.operation = "flush", .codes = codes, .count = 2};
    fixture.worker.bus = spira_event_bus_flaky(fixture.worker.bus, &script, 1);
    struct spira_step_outcome outcome = {0};
    struct spira_error err;
    cr_assert_eq(run(&outcome, &err), SPIRA_EUNREACHABLE);
    cr_assert_eq(run(&outcome, &err), SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(outcome.status, "reused");
}

Test(step_runner, what_is_no_event_touches_no_run)
{
    const struct spira_message other = {.topic = message->topic, .value = "\xc1", .size = 1};
    struct spira_step_outcome outcome = {0};
    struct spira_error err;
    enum spira_code code =
        spira_step_run(&fixture.worker, &fake, &other, (struct spira_progress){0}, &outcome, &err);
    cr_assert_eq(code, SPIRA_EINVALID);
    cr_assert_eq(fixture_count(&fixture, "run.failed"), 0);
    cr_assert_eq(play.computed, 0);
}

Test(step_runner, a_recording_that_is_gone_fails_the_run_with_its_name)
{
    play.input = "audio/sha256/ab/abcd";
    expect_status("failed");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    cr_assert(strstr(spira_value_get_text(failed, "message", ""), "audio/sha256/ab/abcd"));
}

Test(step_runner, a_recording_that_was_altered_fails_the_run_and_says_what_helps)
{
    play.input = "audio/sha256/ab/abcd";
    spira_value_free(fixture_put(&fixture, play.input, "broken"));
    expect_status("failed");
    cr_assert_eq(play.computed, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    cr_assert(strstr(spira_value_get_text(failed, "message", ""), "take the recording in again"));
}

Test(step_runner, an_input_that_nothing_makes_is_left_for_another_attempt)
{
    struct spira_step_outcome outcome = {0};
    struct spira_error err;
    play.input = "features/unknown/shard-00000.safetensors";
    cr_assert_eq(run(&outcome, &err), SPIRA_EALTERED);
    cr_assert_eq(fixture_count(&fixture, "run.failed"), 0);
    cr_assert(strstr(err.message, play.input), "%s", err.message);
}
