/* Which values a norm joins: the channels of a group (one window), or one channel over all windows
 * of a batch. Inside of core/model/. */
#ifndef SPIRA_CORE_MODEL_CONV_NORMS_H
#define SPIRA_CORE_MODEL_CONV_NORMS_H

#include "core/model/conv_stack.h"

/* What the backward pass of a channel's set needs: sums of gamma d and of gamma d xhat, and how
 * many values the set has (norm.h: a, b, m). */
struct spira_norm_totals {
    double d, dx, count;
};

/* GroupNorm: fills ret_norms and ret_totals (one for each channel) from the channels of one window.
 */
void spira_group_norms(const struct spira_conv *conv,
                       const struct spira_conv_parameters *parameters,
                       const struct spira_moments *moments, struct spira_channel_norm *ret_norms);
void spira_group_totals(const struct spira_conv *conv, const struct spira_channel_norm *norms,
                        const struct spira_norm_sums *sums, const struct spira_moments *moments,
                        struct spira_norm_totals *ret_totals);

/* BatchNorm at inference: fills ret_norms from the running statistics. */
void spira_running_norms(const struct spira_conv *conv,
                         const struct spira_conv_parameters *parameters,
                         struct spira_channel_norm *ret_norms);

/* BatchNorm in training: sets the norms of convolution i in every trace from the moments of all,
 * and moves the running statistics (momentum 0.1, unbiased variance); then the totals of all. */
void spira_batch_norms(struct spira_conv_stack *stack, size_t i);
void spira_batch_totals(const struct spira_conv_stack *stack, size_t i,
                        struct spira_norm_totals *ret_totals);

#endif
