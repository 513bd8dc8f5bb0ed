/* How far a group is behind, measured from time to time in a thread of its own, for the metrics. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_LAG_H
#define SPIRA_WORKERS_COMMON_LOOP_LAG_H

#include "workers/common/loop/worker_metrics.h"
#include "workers/common/worker.h"

struct spira_lag;

struct spira_lag_setup {
    const struct spira_worker *worker;          /* kept */
    const struct spira_worker_metrics *metrics; /* kept */
    const char *group;                          /* kept */
    const char *const *events;                  /* kept */
    size_t event_count;
    int64_t every_ms; /* 0: 5 s */
};

/* Starts measuring. Gives ret_lag, ended by spira_lag_stop. SPIRA_EIO: no thread to be had. */
SPIRA_MUST_USE enum spira_code spira_lag_start(const struct spira_lag_setup *setup,
                                               struct spira_lag **ret_lag, struct spira_error *err);
/* Waits for the measurement under way. For SPIRA_CLEANUP; NULL inside is fine. */
void spira_lag_stop(struct spira_lag **lag);

#endif
