/* Making lost objects again. */
#ifndef SPIRA_WORKERS_COMMON_STEP_REPAIR_H
#define SPIRA_WORKERS_COMMON_STEP_REPAIR_H

#include "workers/common/run/events.h"

/* Emits once more the event that the maker of this object of a run consumes: for a shard its
 * features.requested, for a model features.completed or its member's training.requested, and so on,
 * as the run's state knows them. The maker then finds that its artifact is not whole, makes it
 * again, and what follows comes again too: one event for each step, whoever asked. SPIRA_EALTERED:
 * the run's state does not know yet (or never will) what makes it; codes of state, store and bus.
 */
SPIRA_MUST_USE enum spira_code spira_repair(const struct spira_worker *worker, const char *run_id,
                                            const char *key, struct spira_error *err);

#endif
