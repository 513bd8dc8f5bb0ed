/* How much each window counts in a batch's loss: sum over i of weights(i) * loss(i). */
#ifndef SPIRA_CORE_TRAINING_LOSS_H
#define SPIRA_CORE_TRAINING_LOSS_H

#include <stdbool.h>

#include "core/training/batch.h"

/* Fills ret_weights (count). Plain: the mean, 1/count each. Balanced: the mean within each class,
 * then the mean of the classes that are there; a soft label belongs to both, by its share:
 *   weights(i) = 1/2 (y(i) / sum y + (1 - y(i)) / sum (1 - y)), or all of the one class there is.
 * per_frame: recordings go through one by one and their gradients add: 1 each when plain; balanced
 * as above, times count. */
void spira_loss_weights(const struct spira_window *windows, size_t count, bool per_frame,
                        bool balanced, double *ret_weights);

#endif
