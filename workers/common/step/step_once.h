/* The steps of one run, done once: how an outside scheduler drives the pipeline step by step. */
#ifndef SPIRA_WORKERS_COMMON_STEP_STEP_ONCE_H
#define SPIRA_WORKERS_COMMON_STEP_STEP_ONCE_H

#include "workers/common/step/step.h"

/* Takes every message about the run on the steps' topics, step after step, through its step, as the
 * fleet would, but joins no group and commits nothing. What is done already is reused. SPIRA_OK
 * when all succeeded; SPIRA_ENOTFOUND: there is no such message; the code of the first that failed
 * or was rejected; other codes of spira_step_run. */
SPIRA_MUST_USE enum spira_code spira_step_once(const struct spira_worker *worker,
                                               const struct spira_step *const *steps, size_t count,
                                               const char *run_id, struct spira_progress progress,
                                               struct spira_error *err);

#endif
