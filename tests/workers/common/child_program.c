/* The program that the tests of child processes start: `--child DIR` as every worker has it, with
 * the step of child_steps.h and those of the pipeline; `--parent DIR` is a worker whose child hangs
 * in DIR until somebody kills one of the two. */
#include <stdio.h>
#include <string.h>

#include "tests/workers/common/child_steps.h"
#include "workers/audio_intake/audio_intake.h"
#include "workers/common/child/child_main.h"
#include "workers/common/child/child_process.h"
#include "workers/common/step/scratch.h"
#include "workers/common/wiring.h"
#include "workers/feature_engineering/compute_features.h"
#include "workers/feature_engineering/plan_features.h"
#include "workers/model_evaluation/model_evaluation.h"
#include "workers/model_training/model_training.h"

static const struct spira_step *const steps[] = {
    &child_step,
    &spira_audio_intake_step,
    &spira_plan_features_step,
    &spira_compute_features_step,
    &spira_model_training_step,
    &spira_model_evaluation_step,
};

static int be_parent(const char *folder)
{
    struct spira_worker worker = {.tools = spira_wire_tools(1)};
    SPIRA_CLEANUP(spira_scratch_forget)
    struct spira_scratch scratch = {0};
    spira_scratch_at(folder, &scratch);
    struct spira_step_call call = {
        .worker = &worker,
        .folder = folder,
        .inputs = scratch.inputs,
        .outputs = scratch.outputs,
    };
    SPIRA_CLEANUP(spira_job_done)
    struct spira_job job = {0};
    spira_job_init(&job, child_step.name, child_step.version, child_step.prefix);
    spira_value_set_text(job.parameters, "play", "hang");
    call.job = job;
    struct spira_checkpoints checkpoints = {0};
    struct spira_value *result = NULL;
    struct spira_error err;
    if (spira_compute_in_child(&call, &child_step, &checkpoints, &result, &err) != SPIRA_OK)
        fprintf(stderr, "%s\n", err.message);
    return 1; /* it hangs for ever */
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--child") == 0)
        return spira_child_main(arguments[2], steps, sizeof steps / sizeof *steps,
                                spira_wire_tools(1));
    if (count == 3 && strcmp(arguments[1], CHILD_PARENT_OPTION) == 0)
        return be_parent(arguments[2]);
    return 2;
}
