/* run.requested -> features.requested for each shard: reads the run's corpus and plans it. */
#ifndef SPIRA_WORKERS_FEATURE_ENGINEERING_PLAN_FEATURES_H
#define SPIRA_WORKERS_FEATURE_ENGINEERING_PLAN_FEATURES_H

#include "workers/common/step/step.h"

extern const struct spira_step spira_plan_features_step;

#endif
