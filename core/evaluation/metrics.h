/* How good the scores are. Definitions and values are scikit-learn's; docs/evaluation.md has the
 * formulas. */
#ifndef SPIRA_CORE_EVALUATION_METRICS_H
#define SPIRA_CORE_EVALUATION_METRICS_H

#include "core/base/value.h"
#include "core/evaluation/confusion.h"

/* Scores are clipped to [this, 1 - this] before log_loss takes their logarithm. */
#define SPIRA_LOG_LOSS_CLIP 1e-7

/* What a metric is computed from: scores, and what the threshold makes of them. */
struct spira_judged {
    const struct spira_scored *scored;
    size_t count;
    struct spira_confusion confusion;
    size_t positives, negatives; /* by label */
};

/* One metric: its name in configurations, gates and evaluation.json, and what it says. */
struct spira_metric {
    const char *name;
    const char *meaning;
    bool needs_positives, needs_negatives; /* undefined without such recordings */
    bool lower_is_better;
    double (*compute)(const struct spira_judged *judged);
};

/* Every metric, in the order in which they are shown; ends with a NULL name. Static. */
extern const struct spira_metric spira_metrics[];

/* The metric of that name, or NULL. Static. */
const struct spira_metric *spira_metric_find(const char *name);

/* The metric of these recordings when a score of at least threshold is called positive. NaN where
 * it is undefined: without recordings, or without one of the classes it needs. Borrows scored. */
double spira_metric_compute(const struct spira_metric *metric, const struct spira_scored *scored,
                            size_t count, double threshold);

/* Gives {name: value} of every metric; null where it is undefined. */
struct spira_value *spira_metrics_write(const struct spira_scored *scored, size_t count,
                                        double threshold);

#endif
