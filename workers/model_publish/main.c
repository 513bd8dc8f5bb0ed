/* The worker model_publish: wiring only. */
#include "workers/common/worker_main.h"
#include "workers/model_publish/model_publish.h"

static const struct spira_step *const steps[] = {&spira_model_publish_step};

static const struct spira_worker_program program = {
    .program = "spira-model-publish",
    .name = "model_publish",
    .sentence = "Publishes a model that passes the gate of its run.",
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .deadline_seconds = 600,
};

int main(int argc, char **argv)
{
    return spira_worker_main(&program, argc, argv);
}
