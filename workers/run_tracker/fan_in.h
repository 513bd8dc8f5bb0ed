/* From the shards of a run to its dataset. */
#ifndef SPIRA_WORKERS_RUN_TRACKER_FAN_IN_H
#define SPIRA_WORKERS_RUN_TRACKER_FAN_IN_H

#include "workers/common/run/events.h"

/* When every shard of the run under way that this features.computed event belongs to is there: puts
 * validation.json and dataset.json into the store, an artifact under dataset/, and emits
 * features.completed; or run.failed, when they make no dataset or the shard is not what it was when
 * the run first knew it; or asks for a document of theirs that is gone or altered (repair.h). Else
 * nothing. Repeating it repeats the same events. */
SPIRA_MUST_USE enum spira_code spira_fan_in(const struct spira_worker *worker,
                                            const struct spira_value *features_computed,
                                            struct spira_error *err);

#endif
