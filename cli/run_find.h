/* Which run somebody means. */
#ifndef SPIRA_CLI_RUN_FIND_H
#define SPIRA_CLI_RUN_FIND_H

#include "core/base/moment.h"
#include "workers/common/worker.h"

/* Finds a run by its id, by the beginning of it that no other run's id has, or as "latest". An id
 * in full may also be of a run that was requested and that the run tracker has not met yet.
 * SPIRA_ENOTFOUND: there is none. SPIRA_EINVALID: several begin so, or no id can; the message names
 * them. Codes of the run state and the store. */
SPIRA_MUST_USE enum spira_code spira_run_find(const struct spira_worker *worker, const char *text,
                                              struct spira_uuid *ret_run_id,
                                              struct spira_error *err);

#endif
