/* The worker feature_engineering: wiring only. */
#include "workers/common/worker_main.h"
#include "workers/feature_engineering/compute_features.h"
#include "workers/feature_engineering/plan_features.h"

static const struct spira_step *const steps[] = {&spira_plan_features_step,
                                                 &spira_compute_features_step};

static const struct spira_worker_program program = {
    .program = "spira-feature-engineering",
    .name = "feature_engineering",
    .sentence = "Plans the shards of a run's dataset and computes the features of each.",
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .deadline_seconds = 3600,
};

int main(int argc, char **argv)
{
    return spira_worker_main(&program, argc, argv);
}
