/* Asking for a run. */
#ifndef SPIRA_WORKERS_COMMON_RUN_RUN_REQUEST_H
#define SPIRA_WORKERS_COMMON_RUN_RUN_REQUEST_H

#include "core/config/run_config.h"
#include "workers/common/run/events.h"

/* Writes the manifest of a new run over these ranges of the audio topics and emits run.requested.
 * Codes of the store and the bus. */
SPIRA_MUST_USE enum spira_code spira_run_request(const struct spira_worker *worker,
                                                 const char *run_id,
                                                 const struct spira_run_config *config,
                                                 const struct spira_offset_range *corpus,
                                                 size_t range_count, struct spira_error *err);

/* Emits run.requested of a run once more, the same event: its steps find what they have made and
 * make what is gone. SPIRA_ENOTFOUND: there is no such run; codes of the store and the bus. */
SPIRA_MUST_USE enum spira_code spira_run_request_again(const struct spira_worker *worker,
                                                       const char *run_id, struct spira_error *err);

#endif
