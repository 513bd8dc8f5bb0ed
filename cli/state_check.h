/* Whether the run state is what the events make of it. */
#ifndef SPIRA_CLI_STATE_CHECK_H
#define SPIRA_CLI_STATE_CHECK_H

#include "workers/run_tracker/replay.h"

struct spira_state_check {
    struct spira_value *differences; /* a list of texts, empty: there are none */
    size_t runs;
    struct spira_replay_counts counts;
};

/* Replays the events into fresh, an empty state, and compares with the worker's: every run's fields
 * and sets, the counters, the offsets. What differs is looked at again for patience_ms, since a run
 * tracker at work comes after the events it follows. Fills ret_check, ended by
 * spira_state_check_done. Codes of spira_run_tracker_replay and the states. */
SPIRA_MUST_USE enum spira_code
spira_state_compare(const struct spira_worker *worker, struct spira_run_state fresh,
                    int64_t patience_ms, struct spira_progress progress,
                    struct spira_state_check *ret_check, struct spira_error *err);
void spira_state_check_done(struct spira_state_check *check); /* a zeroed one is fine */

/* Gives how many runs a state holds. */
SPIRA_MUST_USE enum spira_code spira_state_count_runs(struct spira_run_state state,
                                                      size_t *ret_count, struct spira_error *err);

#endif
