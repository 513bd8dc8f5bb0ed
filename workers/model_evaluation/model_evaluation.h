/* model.trained -> model.evaluated: scores the test recordings and writes the report. */
#ifndef SPIRA_WORKERS_MODEL_EVALUATION_MODEL_EVALUATION_H
#define SPIRA_WORKERS_MODEL_EVALUATION_MODEL_EVALUATION_H

#include "workers/common/step/step.h"

extern const struct spira_step spira_model_evaluation_step;

#endif
