/* Where a training stands: all that must survive an interruption. What else a trainer holds follows
 * from this and its job. */
#ifndef SPIRA_CORE_TRAINING_STATE_H
#define SPIRA_CORE_TRAINING_STATE_H

#include "core/model/network.h"
#include "core/training/adam.h"

/* What is known of an epoch that is done. Numbers of type double only: checkpoints keep them as one
 * tensor. */
struct spira_epoch {
    double training_loss; /* mean over its steps */
    double validation_loss, validation_accuracy;
    double rank; /* the best epoch has the lowest: the loss, or the chosen metric, turned round
                    where higher is better */
};

struct spira_training_state {
    struct spira_network *network;
    struct spira_adam adam;  /* its steps are the training's */
    double loss_sum;         /* over the steps of the epoch under way */
    struct spira_epoch *log; /* of the epochs done */
    size_t epochs;           /* done */
    void **best;             /* each parameter's data as it was after the best epoch */
    size_t parameter_count;
};

/* Takes network, which has the parameters to begin with. SPIRA_ENOMEMORY: it is still the
 * caller's. */
SPIRA_MUST_USE enum spira_code spira_training_state_init(struct spira_training_state *state,
                                                         struct spira_network *network,
                                                         struct spira_error *err);
void spira_training_state_done(struct spira_training_state *state); /* a zeroed one is fine */

/* The data of a parameter (its value or its number) and the bytes of it. */
void *spira_parameter_data(const struct spira_parameter *parameter);
size_t spira_parameter_bytes(const struct spira_parameter *parameter);

/* The epoch with the lowest rank, the first of equals, from 1; 0 when none is done. */
size_t spira_training_state_best(const struct spira_training_state *state);

/* Adds an epoch to the log, keeps the parameters when it is the best so far, and begins the next
 * one. */
void spira_training_state_end_epoch(struct spira_training_state *state,
                                    const struct spira_epoch *epoch);

/* Puts the parameters of the best epoch into the network. One must be done. */
void spira_training_state_restore_best(struct spira_training_state *state);

#endif
