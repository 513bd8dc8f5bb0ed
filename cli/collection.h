/* Recordings on their way into the pipeline, as the data-collection system would send them. */
#ifndef SPIRA_CLI_COLLECTION_H
#define SPIRA_CLI_COLLECTION_H

#include "workers/common/run/events.h"

/* Gives each of these audio.collected events the time it was collected at: from now on, and each
 * later than the one before (last_ms, which moves on; 0 at first), so that of two rows about one
 * recording the later counts, whichever partitions they go through. */
void spira_collection_date(const struct spira_worker *worker, struct spira_value *events,
                           int64_t *last_ms);

/* Queues the events, each under its patient; the caller flushes. Codes of spira_event_emit. */
SPIRA_MUST_USE enum spira_code spira_collection_emit(const struct spira_worker *worker,
                                                     const struct spira_value *events,
                                                     struct spira_error *err);

#endif
