/* Runs a step's computation while its worker goes on: here in a thread. */
#ifndef SPIRA_WORKERS_COMMON_CHILD_COMPUTATION_H
#define SPIRA_WORKERS_COMMON_CHILD_COMPUTATION_H

#include "workers/common/child/checkpoints.h"
#include "workers/common/step/step.h"

/* A spira_compute (worker.h): computes in a thread of its own, from which alone progress is called.
 */
SPIRA_MUST_USE enum spira_code spira_compute_in_thread(struct spira_step_call *call,
                                                       const struct spira_step *step,
                                                       struct spira_checkpoints *checkpoints,
                                                       struct spira_value **ret_result,
                                                       struct spira_error *err);

#endif
