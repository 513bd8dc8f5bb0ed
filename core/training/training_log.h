/* training.jsonl: what a training found, one line an epoch. */
#ifndef SPIRA_CORE_TRAINING_TRAINING_LOG_H
#define SPIRA_CORE_TRAINING_TRAINING_LOG_H

#include "core/training/schedule.h"
#include "core/training/state.h"

/* Writes path whole or not at all. A line is {"epoch" (from 1), "steps" (done so far),
 * "learning_rate" (of the last of them), "training_loss", "validation_loss",
 * "validation_accuracy", the chosen metric ("validation_roc_auc"), if any, "best" (so far)}.
 * SPIRA_EIO. */
SPIRA_MUST_USE enum spira_code spira_training_log_write(const char *path,
                                                        const struct spira_training_state *state,
                                                        const struct spira_train_config *config,
                                                        size_t steps_per_epoch,
                                                        struct spira_error *err);

#endif
