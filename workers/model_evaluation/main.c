/* The worker model_evaluation: wiring only. */
#include "workers/common/worker_main.h"
#include "workers/model_evaluation/model_evaluation.h"

static const struct spira_step *const steps[] = {&spira_model_evaluation_step};

static const struct spira_worker_program program = {
    .program = "spira-model-evaluation",
    .name = "model_evaluation",
    .sentence = "Evaluates a trained model on the recordings that were held back.",
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .deadline_seconds = 3600,
};

int main(int argc, char **argv)
{
    return spira_worker_main(&program, argc, argv);
}
