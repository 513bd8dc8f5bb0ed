/* One training: what the steps of this worker share. */
#ifndef SPIRA_WORKERS_MODEL_TRAINING_TRAINING_H
#define SPIRA_WORKERS_MODEL_TRAINING_TRAINING_H

#include "core/run/members.h"
#include "workers/common/step/step.h"

enum { SPIRA_TRAINING_VERSION = 2 }; /* of the computation */

/* Fills the call's job with the training of a run, or of one of its members (else NULL). The job of
 * a member without folds is that of a run with its seed. Codes of the store, and SPIRA_EALTERED. */
SPIRA_MUST_USE enum spira_code spira_training_prepare(struct spira_step_call *call,
                                                      const struct spira_run_config *config,
                                                      const struct spira_member *member,
                                                      struct spira_error *err);

/* The compute of such a job (step.h). Writes model.safetensors, model.json and training.jsonl;
 * gives
 * {"epochs", "best_epoch", "steps", "validation_loss", "validation_accuracy", and the chosen metric
 * ("validation_roc_auc")} of the best epoch. Codes of spira_train. */
SPIRA_MUST_USE enum spira_code
spira_training_compute(const struct spira_job *job, const char *inputs, const char *outputs,
                       const struct spira_tools *tools, struct spira_progress progress,
                       struct spira_value **ret_result, struct spira_error *err);

#endif
