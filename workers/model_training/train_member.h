/* training.requested -> training.computed: trains one member of a run. */
#ifndef SPIRA_WORKERS_MODEL_TRAINING_TRAIN_MEMBER_H
#define SPIRA_WORKERS_MODEL_TRAINING_TRAIN_MEMBER_H

#include "workers/common/step/step.h"

extern const struct spira_step spira_train_member_step;

#endif
