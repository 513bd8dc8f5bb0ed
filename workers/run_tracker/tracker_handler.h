/* The run tracker as the handler of a worker's loop. */
#ifndef SPIRA_WORKERS_RUN_TRACKER_TRACKER_HANDLER_H
#define SPIRA_WORKERS_RUN_TRACKER_TRACKER_HANDLER_H

#include "workers/common/loop/handler.h"
#include "workers/common/worker.h"

/* Makes a handler that keeps the run state up with the events and goes back to where the state is
 * when that is behind, as after Redis lost something. What followed from an event that the group
 * has committed was emitted then and is not emitted again. Keeps worker; ends with the process. */
void spira_tracker_handler(const struct spira_worker *worker, struct spira_handler *ret_handler);

#endif
