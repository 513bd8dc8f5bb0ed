/* Adam with L2 weight decay (Kingma and Ba 2015; the decay is added to the gradient, as the
 * reference framework's torch.optim.Adam does). */
#ifndef SPIRA_CORE_TRAINING_ADAM_H
#define SPIRA_CORE_TRAINING_ADAM_H

#include <stdint.h>

#include "core/model/kernel/kernel.h"

struct spira_adam {
    const struct spira_model_kernel *kernel;
    float *first, *second; /* moments, one of each per parameter */
    size_t count;
    uint64_t steps; /* done so far */
};

/* Zero moments for count parameters. SPIRA_ENOMEMORY; the codes of spira_model_kernel_choose. */
SPIRA_MUST_USE enum spira_code spira_adam_init(struct spira_adam *adam, size_t count,
                                               struct spira_error *err);
void spira_adam_done(struct spira_adam *adam); /* a zeroed one is fine */

/* Step t = ++steps, for each parameter w with gradient g:
 *   g' = g + weight_decay w;  m = 0.9 m + 0.1 g';  v = 0.999 v + 0.001 g'^2
 *   w -= learning_rate * (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8)
 * values and gradients (count). The same bits for any number of threads. */
void spira_adam_step(struct spira_adam *adam, float *values, const float *gradients,
                     double learning_rate, double weight_decay, size_t threads);

#endif
