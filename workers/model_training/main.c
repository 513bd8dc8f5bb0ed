/* The worker model_training: wiring only. */
#include "workers/common/worker_main.h"
#include "workers/model_training/model_training.h"
#include "workers/model_training/train_member.h"

static const struct spira_step *const steps[] = {&spira_model_training_step,
                                                 &spira_train_member_step};

static const struct spira_worker_program program = {
    .program = "spira-model-training",
    .name = "model_training",
    .sentence = "Trains a run's model from its features, or one of several: a fold, a seed.",
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .deadline_seconds = 259200,
};

int main(int argc, char **argv)
{
    return spira_worker_main(&program, argc, argv);
}
