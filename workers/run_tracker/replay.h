/* The run state made anew from the events, by whoever asks for it: nothing is emitted, and a run
 * tracker at work beside it does no harm, for each event is applied once whoever applies it. */
#ifndef SPIRA_WORKERS_RUN_TRACKER_REPLAY_H
#define SPIRA_WORKERS_RUN_TRACKER_REPLAY_H

#include "workers/common/worker.h"

struct spira_replay_counts {
    size_t events;     /* read, among them: */
    size_t unreadable; /* no events of ours; passed over, as the run tracker does */
    size_t expired;    /* gone from their topics before they could be read */
};

/* Applies to the worker's state every event of the topics the run tracker follows that it has not
 * applied, up to what the topics hold now; adds to counts. Topics are read one after the other:
 * what a run becomes does not depend on their order. progress hears of events. SPIRA_EINTERRUPTED
 * when it wants a stop: what is applied stays; codes of the bus and the state. SPIRA_ECONFLICT:
 * somebody cleared the state meanwhile. */
SPIRA_MUST_USE enum spira_code spira_run_tracker_replay(const struct spira_worker *worker,
                                                        struct spira_progress progress,
                                                        struct spira_replay_counts *counts,
                                                        struct spira_error *err);

#endif
