/* The worker audio_intake: wiring only. */
#include "workers/audio_intake/audio_intake.h"
#include "workers/common/worker_main.h"

static const struct spira_step *const steps[] = {&spira_audio_intake_step};

static const struct spira_worker_program program = {
    .program = "spira-audio-intake",
    .name = "audio_intake",
    .sentence = "Checks each recording that arrives, and copies it into the store or says why not.",
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .needs_inbox = true,
    .deadline_seconds = 300,
};

int main(int argc, char **argv)
{
    return spira_worker_main(&program, argc, argv);
}
