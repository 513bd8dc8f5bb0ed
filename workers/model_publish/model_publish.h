/* The step model.evaluated: asks the gate, gives the model a version in the registry, ends the run.
 */
#ifndef SPIRA_WORKERS_MODEL_PUBLISH_MODEL_PUBLISH_H
#define SPIRA_WORKERS_MODEL_PUBLISH_MODEL_PUBLISH_H

#include "workers/common/step/step.h"

extern const struct spira_step spira_model_publish_step;

#endif
