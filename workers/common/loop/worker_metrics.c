#include "workers/common/loop/worker_metrics.h"

#include <unistd.h>

#include "workers/common/version.h"

/* From a reused artifact to an hour of training. */
static const double step_buckets[] = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600};

/* The one list of families: field, name, type, labels, help. */
#define FAMILIES(X)                                                                                \
    X(messages, "spira_messages_total", COUNTER, "Messages taken, by what became of them.",        \
      "topic", "outcome")                                                                          \
    X(step_seconds, "spira_step_seconds", HISTOGRAM, "How long a step took, by how it ended.",     \
      "step", "status")                                                                            \
    X(busy, "spira_busy", GAUGE, "1 while a message is in hand.", NULL)                            \
    X(lag_messages, "spira_lag_messages", GAUGE, "Messages of the partition not read yet.",        \
      "topic", "partition")                                                                        \
    X(lag_age, "spira_lag_age_seconds", GAUGE,                                                     \
      "How long the partition's oldest unread message has waited.", "topic", "partition")          \
    X(retries, "spira_retries_total", COUNTER, "Attempts after a failure that may pass.", "kind")  \
    X(dead_letters, "spira_dead_letters_total", COUNTER, "Messages set aside.", "topic", "reason") \
    X(child_attempts, "spira_child_attempts_total", COUNTER,                                       \
      "Computations in child processes, by how they ended.", "step", "outcome")                    \
    X(dependency_up, "spira_dependency_up", GAUGE, "1 while the dependency answers.",              \
      "dependency")                                                                                \
    X(build_info, "spira_build_info", GAUGE, "Which build this is; always 1.", "version")          \
    X(start_time, "process_start_time_seconds", GAUGE,                                             \
      "When the process began, in seconds since the epoch.", NULL)                                 \
    X(resident, "process_resident_memory_bytes", GAUGE, "Resident memory.", NULL)                  \
    X(cpu, "process_cpu_seconds_total", COUNTER, "User and system processor time.", NULL)

void spira_worker_metrics_init(struct spira_worker_metrics *metrics, struct spira_clock clock)
{
    metrics->registry = spira_metric_registry_new();
#define X(field, family, kind, text, ...)                                                          \
    {                                                                                              \
        static const struct spira_metric_description description = {                               \
            .name = family,                                                                        \
            .help = text,                                                                          \
            .type = SPIRA_##kind,                                                                  \
            .labels = {__VA_ARGS__},                                                               \
            .buckets = SPIRA_##kind == SPIRA_HISTOGRAM ? step_buckets : NULL,                      \
            .bucket_count =                                                                        \
                SPIRA_##kind == SPIRA_HISTOGRAM ? sizeof step_buckets / sizeof *step_buckets : 0}; \
        metrics->field = spira_metric_new(metrics->registry, &description);                        \
    }
    FAMILIES(X)
#undef X
    spira_metric_set(metrics->build_info, 1, SPIRA_LABELS(spira_version()));
    spira_metric_set(metrics->start_time, (double)spira_clock_now_ms(clock) / 1000, NULL);
}

void spira_worker_metrics_done(struct spira_worker_metrics *metrics)
{
    spira_metric_registry_free(metrics->registry);
    metrics->registry = NULL;
}

void spira_worker_metrics_lag(const struct spira_worker_metrics *metrics, const char *topic,
                              int32_t partition, int64_t messages, double age_seconds)
{
    SPIRA_CLEANUP(spira_free_at)
    char *number = spira_format("%jd", (intmax_t)partition);
    spira_metric_set(metrics->lag_messages, (double)messages, SPIRA_LABELS(topic, number));
    spira_metric_set(metrics->lag_age, age_seconds, SPIRA_LABELS(topic, number));
}

/* Resident memory in bytes; 0 where the system does not tell. */
static double resident_bytes(void)
{
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        return 0;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

char *spira_worker_metrics_text(const struct spira_worker_metrics *metrics)
{
    struct timespec cpu = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    spira_metric_set(metrics->cpu, (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9, NULL);
    spira_metric_set(metrics->resident, resident_bytes(), NULL);
    return spira_metric_registry_text(metrics->registry);
}
