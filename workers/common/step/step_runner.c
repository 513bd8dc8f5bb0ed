#include "workers/common/step/step_runner.h"

#include "workers/common/child/checkpoints.h"
#include "workers/common/log.h"
#include "workers/common/step/repair.h"
#include "workers/common/step/scratch.h"

static enum spira_code fetch_inputs(struct spira_step_call *call, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < call->job.input_count; i++) {
        const struct spira_input *input = &call->job.inputs[i];
        code = spira_step_fetch(call, input->name, input->key, input->sha256.hex, err);
    }
    return code;
}

static void log_checkpoint(const struct spira_checkpoints *checkpoints, const char *step)
{
    const char *newest = NULL;
    for (size_t i = 0; i < checkpoints->count; i++)
        if (!newest || strcmp(checkpoints->stored[i].name, newest) > 0)
            newest = checkpoints->stored[i].name;
    if (!newest)
        return;
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "step", step);
    spira_value_set_text(fields, "checkpoint", newest);
    spira_log(SPIRA_LOG_INFO, fields, "going on from a checkpoint");
}

static enum spira_code compute(struct spira_step_call *call, const struct spira_step *step,
                               struct spira_error *err)
{
    enum spira_code code = fetch_inputs(call, err);
    SPIRA_CLEANUP(spira_checkpoints_done)
    struct spira_checkpoints checkpoints = {0};
    if (code == SPIRA_OK && step->prefix)
        code = spira_checkpoints_fetch(call->worker->store, &call->job, call->outputs, &checkpoints,
                                       err);
    struct spira_value *result = NULL;
    if (code == SPIRA_OK) {
        log_checkpoint(&checkpoints, step->name);
        code = call->worker->compute(call, step, &checkpoints, &result, err);
    }
    if (code != SPIRA_OK)
        return code;
    call->result = result;
    call->computed = true;
    if (!step->prefix)
        return SPIRA_OK;
    struct spira_artifacts artifacts = spira_worker_artifacts(call->worker);
    code = spira_artifact_put(&artifacts, &call->job, call->outputs, step->key_of,
                              spira_value_copy(result), &call->artifact, &call->reference, err);
    return code == SPIRA_OK ? spira_checkpoints_remove(&checkpoints, err) : code;
}

/* Finds the artifact of a former attempt, or computes it. */
static enum spira_code obtain(struct spira_step_call *call, const struct spira_step *step,
                              struct spira_error *err)
{
    spira_job_seal(&call->job, call->worker->tools.digest);
    if (step->prefix) {
        struct spira_artifacts artifacts = spira_worker_artifacts(call->worker);
        enum spira_code code = spira_artifact_find(&artifacts, &call->job, call->outputs,
                                                   &call->artifact, &call->reference, err);
        if (code != SPIRA_OK)
            return code;
    }
    if (!call->artifact)
        return compute(call, step, err);
    call->status = "reused";
    call->result = spira_value_copy(spira_value_get(call->artifact, "result"));
    return SPIRA_OK;
}

static enum spira_code follow(struct spira_step_call *call, const struct spira_step *step,
                              struct spira_error *err)
{
    enum spira_code code = step->prepare(call, err);
    if (code == SPIRA_OK && !call->result)
        code = obtain(call, step, err);
    return code == SPIRA_OK ? step->complete(call, err) : code;
}

/* Ends the call's run because of why. */
static enum spira_code fail_run(struct spira_step_call *call, const struct spira_step *step,
                                const struct spira_error *why, struct spira_error *err)
{
    bool rejected = why->code == SPIRA_EREJECTED;
    call->status = rejected ? "rejected" : "failed";
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "step", step->name);
    spira_value_set_text(fields, "reason", spira_code_text(why->code));
    spira_event_set_message(fields, why->message);
    if (rejected)
        spira_value_set_bool(fields, "rejected", true);
    return spira_step_emit(call, "run.failed", fields, err);
}

/* Deals with a failure that trying again would not mend. */
static enum spira_code settle(struct spira_step_call *call, const struct spira_step *step,
                              const struct spira_error *why, struct spira_error *err)
{
    const char *run_id = spira_value_get_text(call->value, "run_id", NULL);
    if (run_id && why->code == SPIRA_EALTERED && call->lost) {
        call->status = "returned";
        return spira_repair(call->worker, run_id, call->lost, err);
    }
    if (run_id && spira_code_kind(why->code) == SPIRA_KIND_INVALID)
        return fail_run(call, step, why, err);
    if (!run_id && step->give_up && spira_step_gave_up(why->code)) {
        call->status = "failed";
        return step->give_up(call, why, err);
    }
    *err = *why;
    return why->code;
}

static void call_done(struct spira_step_call *call)
{
    spira_job_done(&call->job);
    free(call->lost);
    spira_value_free(call->result);
    spira_value_free(call->artifact);
    spira_value_free(call->reference);
}

enum spira_code spira_step_run(const struct spira_worker *worker, const struct spira_step *step,
                               const struct spira_message *message, struct spira_progress progress,
                               struct spira_step_outcome *ret_outcome, struct spira_error *err)
{
    const char *event = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = spira_event_open(worker, message, &event, &value, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_scratch_done)
    struct spira_scratch scratch = {0};
    code = spira_scratch_make(worker, step->name, &scratch, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(call_done)
    struct spira_step_call call = {
        .worker = worker,
        .event = event,
        .value = value,
        .message = message,
        .progress = progress,
        .folder = scratch.top,
        .inputs = scratch.inputs,
        .outputs = scratch.outputs,
        .status = "succeeded",
        .began_ms = spira_clock_monotonic_ms(worker->clock),
    };
    spira_job_init(&call.job, step->name, step->version, step->prefix);
    struct spira_step_outcome outcome = {0};
    code = follow(&call, step, &outcome.failure);
    if (code == SPIRA_OK) /* whatever was met on the way */
        outcome.failure = (struct spira_error){.code = SPIRA_OK};
    else
        code = settle(&call, step, &outcome.failure, err);
    if (code == SPIRA_OK)
        code = spira_events_flush(worker, progress, err);
    if (code != SPIRA_OK)
        return code;
    outcome.status = call.status;
    outcome.seconds = spira_step_seconds(&call);
    outcome.computed = call.computed;
    outcome.attempts = call.attempts;
    outcome.signal = call.signal;
    *ret_outcome = outcome;
    return SPIRA_OK;
}

void spira_step_outcome_log(const struct spira_step_outcome *outcome, const struct spira_step *step,
                            const struct spira_message *message)
{
    struct spira_value *fields = spira_value_map();
    const char *run_id = spira_message_header(message, "ce_subject");
    const char *event_id = spira_message_header(message, "ce_id");
    if (run_id)
        spira_value_set_text(fields, "run_id", run_id);
    if (event_id)
        spira_value_set_text(fields, "event_id", event_id);
    spira_value_set_text(fields, "step", step->name);
    spira_value_set_real(fields, "seconds", outcome->seconds);
    bool failed = outcome->failure.code != SPIRA_OK;
    if (failed)
        spira_value_set_text(fields, "error", outcome->failure.message);
    spira_log(failed ? SPIRA_LOG_WARNING : SPIRA_LOG_INFO, fields, "step %s", outcome->status);
}
