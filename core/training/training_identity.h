/* Which training a checkpoint is of. */
#ifndef SPIRA_CORE_TRAINING_TRAINING_IDENTITY_H
#define SPIRA_CORE_TRAINING_TRAINING_IDENTITY_H

#include "core/training/trainer.h"

/* Fills ret_identity with the SHA-256 of what the result of job depends on and job itself knows:
 * configuration, seed, shape, initial weights, names and labels of the recordings. Features are not
 * read: the step key the checkpoints are kept under stands for them. SPIRA_ENOTFOUND, SPIRA_EIO:
 * the initial weights. */
SPIRA_MUST_USE enum spira_code spira_training_identity(const struct spira_training_job *job,
                                                       struct spira_sha256 *ret_identity,
                                                       struct spira_error *err);

#endif
