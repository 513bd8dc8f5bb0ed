/* Runs a step's computation while its worker goes on: here in a thread. */
#ifndef SPIRA_WORKERS_COMMON_COMPUTATION_H
#define SPIRA_WORKERS_COMMON_COMPUTATION_H

#include "workers/common/checkpoints.h"
#include "workers/common/step.h"

typedef enum spira_code spira_computation(const struct spira_job *job, const char *inputs,
                                          const char *outputs, const struct spira_tools *tools,
                                          struct spira_progress progress,
                                          struct spira_value **ret_result, struct spira_error *err);

/* Computes the call's job in a thread of its own and stores its checkpoints meanwhile; when it was
 * interrupted, also the one it ended with. Codes of the computation, and of
 * spira_checkpoints_upload: a transient one matters only at the end, any other stops the
 * computation. progress is called from that thread alone, and no more when this returns. */
SPIRA_MUST_USE enum spira_code spira_compute_in_thread(const struct spira_step_call *call,
                                                       spira_computation *computation,
                                                       struct spira_checkpoints *checkpoints,
                                                       struct spira_value **ret_result,
                                                       struct spira_error *err);

#endif
