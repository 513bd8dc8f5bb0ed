/* The learning rate of a step. */
#ifndef SPIRA_CORE_TRAINING_SCHEDULE_H
#define SPIRA_CORE_TRAINING_SCHEDULE_H

#include <stdint.h>

#include "core/config/run_config.h"

/* lr(s) = base * sqrt(warmup) * min(s * warmup^-1.5, s^-0.5), s from 1 (Vaswani et al. 2017, 5.3,
 * scaled so that its peak, at s = warmup, is base). */
double spira_noam_rate(double base, size_t warmup_steps, uint64_t step);

/* The rate the configuration asks for at that step (from 1). */
double spira_learning_rate(const struct spira_train_config *config, uint64_t step);

#endif
