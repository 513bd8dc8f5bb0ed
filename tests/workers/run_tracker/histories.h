/* Made-up histories of runs: many events on topics of several partitions, and a state as text. */
#ifndef SPIRA_TESTS_WORKERS_RUN_TRACKER_HISTORIES_H
#define SPIRA_TESTS_WORKERS_RUN_TRACKER_HISTORIES_H

#include "adapters/memory/clock_memory.h"
#include "workers/common/run/events.h"

/* Gives worker a prefix of its own and makes the topics there, of three partitions each. */
void histories_topics(struct spira_worker *worker);

/* Emits what happens to some runs, side by side; not every history is a sane one: runs end twice,
 * are asked for again, fail after they were published. */
void histories_emit(const struct spira_worker *worker, struct spira_clock_memory *clock,
                    size_t runs, uint64_t seed);

/* Messages on all topics the run tracker follows. */
size_t histories_count(const struct spira_worker *worker);

/* Every run and counter of the state; freed by the caller. */
char *histories_state(struct spira_run_state state);

#endif
