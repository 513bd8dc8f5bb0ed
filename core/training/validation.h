/* How well the network does on the recordings it is not trained on. */
#ifndef SPIRA_CORE_TRAINING_VALIDATION_H
#define SPIRA_CORE_TRAINING_VALIDATION_H

#include "core/evaluation/metrics.h"
#include "core/model/network.h"
#include "core/ports/progress.h"

/* A recording whose score is at least this counts as called positive in training. */
#define SPIRA_VALIDATION_THRESHOLD 0.5

struct spira_validation {
    double loss;     /* over all windows: their mean, or balanced as core/training/loss.h says */
    double accuracy; /* share of the recordings that are called what they are */
    double metric;   /* config->early_stop_metric over the recordings; NaN when none is chosen */
};

/* The number by which epochs and trainings are ranked, the lowest the best: the loss, or metric,
 * turned round where higher is better. metric NULL: the loss. */
double spira_validation_rank(const struct spira_metric *metric, double loss, double value);

/* The metric that has that rank; NaN when metric is NULL. */
double spira_validation_metric(const struct spira_metric *metric, double rank);

/* The same bits for any number of threads. SPIRA_EINVALID: loader has no recording, or none of a
 * class that the metric needs; codes of spira_infer. */
SPIRA_MUST_USE enum spira_code
spira_validate(struct spira_network *network, struct spira_loader loader,
               const struct spira_train_config *config, struct spira_progress progress,
               struct spira_validation *ret_validation, struct spira_error *err);

#endif
