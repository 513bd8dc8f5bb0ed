/* A training on disk, so that it can go on after an interruption with not a bit changed.
 *
 * folder/step-000500.safetensors has the network's parameters ("model."), those of the best epoch
 * ("best."), Adam's moments, the log and the sum of the losses of the epoch under way, and as
 * metadata which training it is of and the SHA-256 of all that. Checkpoints only save time: one
 * that is damaged or of another training is passed over. */
#ifndef SPIRA_CORE_TRAINING_CHECKPOINT_H
#define SPIRA_CORE_TRAINING_CHECKPOINT_H

#include "core/ports/digest.h"
#include "core/ports/tensors.h"
#include "core/training/state.h"

struct spira_checkpoint_place {
    struct spira_tensors tensors;
    struct spira_digest digest;
    const char *folder;           /* must exist */
    struct spira_sha256 training; /* of everything the training's result depends on */
};

/* Writes a checkpoint, whole or not at all, then removes all but the two newest. SPIRA_EIO,
 * SPIRA_ENOTFOUND, SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_checkpoint_save(const struct spira_checkpoint_place *place,
                                                     const struct spira_training_state *state,
                                                     struct spira_error *err);

/* Fills state from the newest checkpoint that is whole and of this training; state stays as it is
 * when there is none. Removes those that are not, and what a killed writer left. Codes as above. */
SPIRA_MUST_USE enum spira_code spira_checkpoint_resume(const struct spira_checkpoint_place *place,
                                                       struct spira_training_state *state,
                                                       struct spira_error *err);

/* One file of the above. Read: SPIRA_EINVALID says what is wrong with it; state is then as it was.
 */
SPIRA_MUST_USE enum spira_code spira_checkpoint_write(const struct spira_checkpoint_place *place,
                                                      const char *path,
                                                      const struct spira_training_state *state,
                                                      struct spira_error *err);
SPIRA_MUST_USE enum spira_code spira_checkpoint_read(const struct spira_checkpoint_place *place,
                                                     const char *path,
                                                     struct spira_training_state *state,
                                                     struct spira_error *err);

#endif
