/* features.completed -> model.trained: trains the model of a run; or, when the run has several
 * trainings, -> training.requested for each of them. */
#ifndef SPIRA_WORKERS_MODEL_TRAINING_MODEL_TRAINING_H
#define SPIRA_WORKERS_MODEL_TRAINING_MODEL_TRAINING_H

#include "workers/common/step/step.h"

extern const struct spira_step spira_model_training_step;

#endif
