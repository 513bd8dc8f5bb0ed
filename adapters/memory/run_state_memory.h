/* The state of runs in this process's memory: for tests, and for a whole pipeline in one process.
 */
#ifndef SPIRA_ADAPTERS_MEMORY_RUN_STATE_MEMORY_H
#define SPIRA_ADAPTERS_MEMORY_RUN_STATE_MEMORY_H

#include "core/ports/clock.h"
#include "core/ports/run_state.h"

/* An empty state; it ends with spira_run_state_done. Keeps clock, by whose monotonic time progress
 * expires. */
struct spira_run_state spira_run_state_memory(struct spira_clock clock);

#endif
