/* A worker's steps as the handler of its loop. */
#ifndef SPIRA_WORKERS_COMMON_STEP_STEP_HANDLER_H
#define SPIRA_WORKERS_COMMON_STEP_STEP_HANDLER_H

#include "workers/common/loop/handler.h"
#include "workers/common/loop/worker_metrics.h"
#include "workers/common/step/step.h"

enum { SPIRA_STEPS_MAX = 4 }; /* of one worker */

struct spira_step_handler {
    const struct spira_worker *worker;
    const struct spira_worker_metrics *metrics;
    const struct spira_step *const *steps;
    size_t count;
    bool by_run;                         /* they work on runs */
    const char *events[SPIRA_STEPS_MAX]; /* that the steps consume */
};

/* Fills handler. ret_handler keeps it. All steps are of one worker. */
void spira_step_handler_init(struct spira_step_handler *handler, const struct spira_worker *worker,
                             const struct spira_worker_metrics *metrics,
                             const struct spira_step *const *steps, size_t count,
                             struct spira_handler *ret_handler);

#endif
