/* The worker run_tracker: wiring only. */
#include "workers/common/worker_main.h"
#include "workers/run_tracker/tracker_handler.h"

static const struct spira_worker_program program = {
    .program = "spira-run-tracker",
    .name = "run_tracker",
    .sentence = "Follows every run: keeps the run state, decides what follows, ends runs.",
    .deadline_seconds = 60,
    .make_handler = spira_tracker_handler,
};

int main(int argc, char **argv)
{
    return spira_worker_main(&program, argc, argv);
}
