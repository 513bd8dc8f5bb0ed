/* What every worker measures of itself. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_WORKER_METRICS_H
#define SPIRA_WORKERS_COMMON_LOOP_WORKER_METRICS_H

#include "core/ports/clock.h"
#include "workers/common/loop/metric_registry.h"

/* Families, in the order in which they are shown; labels in braces. */
struct spira_worker_metrics {
    struct spira_metric_registry *registry;
    struct spira_metric *messages;       /* spira_messages_total{topic,outcome} */
    struct spira_metric *step_seconds;   /* spira_step_seconds{step,status}: a histogram */
    struct spira_metric *busy;           /* spira_busy: 1 while a message is in hand */
    struct spira_metric *lag_messages;   /* spira_lag_messages{topic,partition} */
    struct spira_metric *lag_age;        /* spira_lag_age_seconds{topic,partition} */
    struct spira_metric *retries;        /* spira_retries_total{kind} */
    struct spira_metric *dead_letters;   /* spira_dead_letters_total{topic,reason} */
    struct spira_metric *child_attempts; /* spira_child_attempts_total{step,outcome} */
    struct spira_metric *dependency_up;  /* spira_dependency_up{dependency}: 1 or 0 */
    struct spira_metric *build_info;     /* spira_build_info{version}: always 1 */
    struct spira_metric *start_time;     /* process_start_time_seconds */
    struct spira_metric *resident;       /* process_resident_memory_bytes */
    struct spira_metric *cpu;            /* process_cpu_seconds_total */
};

/* Fills metrics, at the start of the process: that is the time it notes. Ended by
 * spira_worker_metrics_done; a zeroed one is fine there. */
void spira_worker_metrics_init(struct spira_worker_metrics *metrics, struct spira_clock clock);
void spira_worker_metrics_done(struct spira_worker_metrics *metrics);

/* How far a partition's reader is behind: messages not read yet, and for how long the oldest of
 * them has waited (0: none waits). A partition that is stuck shows as an age that only grows. */
void spira_worker_metrics_lag(const struct spira_worker_metrics *metrics, const char *topic,
                              int32_t partition, int64_t messages, double age_seconds);

/* Everything, with the process's memory and processor time of now, as
 * spira_metric_registry_text does. Any thread. */
char *spira_worker_metrics_text(const struct spira_worker_metrics *metrics);

#endif
