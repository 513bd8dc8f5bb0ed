/* Follows every event of every run: keeps the run state, decides when all shards are there, ends
 * runs. */
#ifndef SPIRA_WORKERS_RUN_TRACKER_RUN_TRACKER_H
#define SPIRA_WORKERS_RUN_TRACKER_RUN_TRACKER_H

#include "workers/common/events.h"

/* The events it consumes; ret_count of them. */
const char *const *spira_run_tracker_events(size_t *ret_count);

/* Applies one message to the run state and emits what follows from it (features.completed when the
 * last shard is there, run.failed when the shards make no dataset). A message that was applied
 * before changes nothing and emits the same again. ret_applied false: messages before it are
 * missing, rewind to what the state has applied. SPIRA_EINVALID: it is no event of ours, and the
 * state is behind it. The caller flushes the bus before it commits. */
SPIRA_MUST_USE enum spira_code spira_run_tracker_handle(const struct spira_worker *worker,
                                                        const struct spira_message *message,
                                                        bool *ret_applied, struct spira_error *err);

#endif
