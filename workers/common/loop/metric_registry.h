/* Metrics of a process: counters, gauges and histograms with labels, in Prometheus' text format. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_METRIC_REGISTRY_H
#define SPIRA_WORKERS_COMMON_LOOP_METRIC_REGISTRY_H

#include "core/base/memory.h"

enum spira_metric_type { SPIRA_COUNTER, SPIRA_GAUGE, SPIRA_HISTOGRAM };

enum { SPIRA_METRIC_LABELS_MAX = 4, SPIRA_METRIC_BUCKETS_MAX = 32 };

/* A family of series: those with the same name and other values of its labels. */
struct spira_metric_description {
    const char *name; /* [a-zA-Z_][a-zA-Z0-9_]* */
    const char *help; /* one sentence */
    enum spira_metric_type type;
    const char *labels[SPIRA_METRIC_LABELS_MAX + 1]; /* names, ended by NULL */
    const double *buckets;                           /* of a histogram: upper bounds, ascending */
    size_t bucket_count;                             /* without +Inf, which every one has */
};

struct spira_metric_registry; /* owns its families */
struct spira_metric;          /* a family; valid as long as its registry */

/* A registry without families; never NULL. All calls on a registry and its families: any thread. */
struct spira_metric_registry *spira_metric_registry_new(void);
void spira_metric_registry_free(struct spira_metric_registry *registry); /* NULL is fine */

/* Adds a family; keeps description (static data) and what it points to. Its name must be new. A
 * family without labels is there from the start, with the value 0; series come with their first
 * value. */
struct spira_metric *spira_metric_new(struct spira_metric_registry *registry,
                                      const struct spira_metric_description *description);

/* Label values in the order of the description: SPIRA_LABELS("audio.accepted", "done"); NULL for a
 * family without labels. Every combination of values is kept as long as the registry, so they come
 * from small sets: topics, outcomes, never ids. */
#define SPIRA_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A counter or gauge goes up by amount (a counter's is at least 0). Borrows labels. */
void spira_metric_add(struct spira_metric *metric, double amount, const char *const *labels);
/* A gauge gets a value; a counter too, when its total is kept elsewhere. Borrows labels. */
void spira_metric_set(struct spira_metric *metric, double value, const char *const *labels);
/* A histogram counts an observation. Borrows labels. */
void spira_metric_observe(struct spira_metric *metric, double value, const char *const *labels);

/* The content type of, and all families in, Prometheus' text format 0.0.4; freed with free(). */
#define SPIRA_METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
char *spira_metric_registry_text(struct spira_metric_registry *registry);

#endif
