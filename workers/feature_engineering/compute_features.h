/* features.requested -> features.computed: computes one shard of a run's dataset. */
#ifndef SPIRA_WORKERS_FEATURE_ENGINEERING_COMPUTE_FEATURES_H
#define SPIRA_WORKERS_FEATURE_ENGINEERING_COMPUTE_FEATURES_H

#include "workers/common/step/step.h"

extern const struct spira_step spira_compute_features_step;

#endif
