/* The whole of a worker's program, whose main says only which worker it is. */
#ifndef SPIRA_WORKERS_COMMON_WORKER_MAIN_H
#define SPIRA_WORKERS_COMMON_WORKER_MAIN_H

#include "workers/common/loop/handler.h"
#include "workers/common/step/step.h"

struct spira_worker_program {
    const char *program;                   /* "spira-model-training" */
    const char *name;                      /* the worker's folder: "model_training" */
    const char *sentence;                  /* of its --help */
    const struct spira_step *const *steps; /* of a worker of steps, in their order */
    size_t step_count;
    bool needs_inbox;
    int deadline_seconds; /* of a computation, when no setting says otherwise */
    /* Of a worker that is none of steps: makes its handler, which keeps worker and ends with the
     * process. */
    void (*make_handler)(const struct spira_worker *worker, struct spira_handler *ret_handler);
};

/* Runs the program and returns its exit code. */
int spira_worker_main(const struct spira_worker_program *program, int argc, char *const *argv);

#endif
