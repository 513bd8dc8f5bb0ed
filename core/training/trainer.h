/* Training: epochs of shuffled batches, Adam, the weights of the best epoch (the thesis's
 * ModelTrainer). docs/training.md has the formulas. */
#ifndef SPIRA_CORE_TRAINING_TRAINER_H
#define SPIRA_CORE_TRAINING_TRAINER_H

#include "core/config/run_config.h"
#include "core/ports/digest.h"
#include "core/ports/matrix.h"
#include "core/ports/progress.h"
#include "core/ports/tensors.h"
#include "core/training/batch.h"

struct spira_training_job {
    const struct spira_model_config *model;
    const struct spira_train_config *train;
    uint64_t seed;
    size_t frames, features;                  /* of a window; frames 0: per frame */
    struct spira_loader training, validation; /* kept by the caller */
    size_t threads;
    struct spira_matrix matrix;
    struct spira_tensors tensors;
    struct spira_digest digest;
    struct spira_progress progress;
    const char *checkpoint_folder;    /* there may be some in it; must exist */
    const char *initial_weights_path; /* NULL: drawn */
    const char *log_path;             /* training.jsonl: one line an epoch */
    const char *model_path;           /* model.safetensors of the best epoch */
};

struct spira_training_result {
    size_t epochs;     /* that were trained: fewer than asked for after an early stop */
    size_t best_epoch; /* from 1 */
    size_t steps;
    double validation_loss, validation_accuracy; /* of the best epoch */
    double validation_metric; /* the same, of train->early_stop_metric; NaN when none is chosen */
};

/* Trains from the newest checkpoint that is whole (an older one when that is damaged, the beginning
 * when there is none), and writes log and model. The same job gives the same bytes for any number
 * of threads, interruptions and resumes. A training.jsonl line is {"epoch" (from 1), "steps",
 * "learning_rate", "training_loss", "validation_loss", "validation_accuracy", "best"}, and the
 * metric that was chosen ("validation_roc_auc").
 *
 * Checkpoints are checkpoint_folder/step-000500.safetensors, one each train.checkpoint_interval
 * steps and one when progress wants it to stop; the two newest are kept.
 *
 * SPIRA_EINTERRUPTED: progress wanted it to stop, a checkpoint is there. SPIRA_EDIVERGED: the loss
 * passed max_loss or is not a number. SPIRA_EINVALID: fewer training recordings than a batch has,
 * more windows in a batch than max_batch_windows (spiraconv_v1; names the recording), initial
 * weights that do not fit, a reinit_layers prefix that names nothing. SPIRA_EIO, SPIRA_ENOMEMORY.
 */
SPIRA_MUST_USE enum spira_code spira_train(const struct spira_training_job *job,
                                           struct spira_training_result *ret_result,
                                           struct spira_error *err);

#endif
