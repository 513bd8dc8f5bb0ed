/* Local folders for one job: what it reads and what it writes. */
#ifndef SPIRA_WORKERS_COMMON_STEP_SCRATCH_H
#define SPIRA_WORKERS_COMMON_STEP_SCRATCH_H

#include "workers/common/worker.h"

/* <scratch>/<name>-XXXXXX/{in,out} */
struct spira_scratch {
    char *top, *inputs, *outputs;
};

/* Fills ret_scratch with the folders of top, whether they are there or not. */
void spira_scratch_at(const char *top, struct spira_scratch *ret_scratch);

/* Makes the folders, below the worker's scratch. Fills ret_scratch, also on a failure. SPIRA_EIO.
 */
SPIRA_MUST_USE enum spira_code spira_scratch_make(const struct spira_worker *worker,
                                                  const char *name,
                                                  struct spira_scratch *ret_scratch,
                                                  struct spira_error *err);

/* Frees the names alone. */
void spira_scratch_forget(struct spira_scratch *scratch);

/* Removes them with all that is in them; a zeroed one is fine. What cannot be removed stays, for
 * whoever clears the worker's scratch at its start. */
void spira_scratch_done(struct spira_scratch *scratch);

#endif
