/* One step of a training: a batch forward and backward, then Adam. */
#ifndef SPIRA_CORE_TRAINING_TRAINING_STEP_H
#define SPIRA_CORE_TRAINING_TRAINING_STEP_H

#include "core/training/state.h"
#include "core/training/trainer.h"

/* Trains state's network on the recordings indices (train.batch_recordings of them) as that epoch
 * (from 0) shows them. Fills ret_loss with the loss of the batch before the step. Codes of
 * spira_train; the step is then not done. */
SPIRA_MUST_USE enum spira_code spira_training_step(const struct spira_training_job *job,
                                                   struct spira_training_state *state, size_t epoch,
                                                   const size_t *indices, double *ret_loss,
                                                   struct spira_error *err);

/* SPIRA_EDIVERGED, naming what, epoch (from 0), step and the value, when loss is not a number or
 * above train.max_loss. */
SPIRA_MUST_USE enum spira_code spira_training_check_loss(const struct spira_train_config *config,
                                                         const char *what, double loss,
                                                         size_t epoch, uint64_t step,
                                                         struct spira_error *err);

#endif
