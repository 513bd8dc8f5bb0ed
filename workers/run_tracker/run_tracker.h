/* Follows every event of every run: keeps the run state, decides when all shards are there, ends
 * runs. */
#ifndef SPIRA_WORKERS_RUN_TRACKER_RUN_TRACKER_H
#define SPIRA_WORKERS_RUN_TRACKER_RUN_TRACKER_H

#include "workers/common/run/events.h"

/* The events it consumes; ret_count of them. */
const char *const *spira_run_tracker_events(size_t *ret_count);

/* Applies one message to the run state and emits nothing: what a run becomes depends on its events
 * alone, not on the order in which topics are read against each other. A message that was applied
 * before changes nothing. ret_applied false: messages before it are missing, rewind to what the
 * state has applied. Gives ret_value (NULL: it is not wanted), what the event says. SPIRA_EINVALID:
 * it is no event of ours; ret_applied is set and, when true, the state is behind it. */
SPIRA_MUST_USE enum spira_code spira_run_tracker_apply(const struct spira_worker *worker,
                                                       const struct spira_message *message,
                                                       struct spira_value **ret_value,
                                                       bool *ret_applied, struct spira_error *err);

/* Emits what follows from a message that is applied and says value: features.completed when the
 * last shard is there, model.trained when the last of several trainings is, run.failed when they
 * make no whole, run.canceled when a run under way is to be canceled. The same again when it is
 * repeated. */
SPIRA_MUST_USE enum spira_code spira_run_tracker_follow_up(const struct spira_worker *worker,
                                                           const struct spira_message *message,
                                                           const struct spira_value *value,
                                                           struct spira_error *err);

/* Puts the state behind the offsets of a partition below `to`, which hold nothing that could be
 * applied: they expired. */
SPIRA_MUST_USE enum spira_code spira_run_tracker_skip(const struct spira_worker *worker,
                                                      const char *topic, int32_t partition,
                                                      int64_t to, struct spira_error *err);

/* Both, for a message that could be applied. The caller flushes the bus before it commits. */
SPIRA_MUST_USE enum spira_code spira_run_tracker_handle(const struct spira_worker *worker,
                                                        const struct spira_message *message,
                                                        bool *ret_applied, struct spira_error *err);

#endif
