/* BatchNorm and GroupNorm as one thing: statistics of channels, joined over the channels of a group
 * (GroupNorm, one window) or over the windows of a batch (BatchNorm, one channel), and from them
 * what each channel's values are multiplied with. Inside of core/model/.
 *
 *   xhat = (y + bias - mean) rstd, n = gamma xhat + beta, rstd = 1 / sqrt(var + 1e-5)
 *
 * y is a convolution without its bias: a constant shift of a channel moves its mean and nothing
 * else, so the bias needs no pass over the data. */
#ifndef SPIRA_CORE_MODEL_NORM_H
#define SPIRA_CORE_MODEL_NORM_H

#include <stddef.h>

/* Mean and summed squared distance from it. Joined by Chan, Golub and LeVeque's formula: no
 * cancellation where the mean is large against the deviation. */
struct spira_moments {
    double count, mean, squares;
};
void spira_moments_join(struct spira_moments *into, const struct spira_moments *more);

/* What one channel of one window (or batch) is normalised with. */
struct spira_channel_norm {
    float offset; /* mean - bias */
    float rstd;
    float gamma, beta;
};

/* rstd for a biased variance. */
double spira_norm_rstd(double variance);

/* What the backward pass sums over a channel: d = dL/dn. */
struct spira_norm_sums {
    double d;  /* sum d */
    double dx; /* sum d xhat */
};

/* dy = factor d - shift - slope (y - offset), for the channels of one norm set. With a = sum gamma
 * sums.d and b = sum gamma sums.dx over the set of m values:
 *   dy = rstd (gamma d - (a + xhat b) / m) */
struct spira_norm_gradient {
    float factor, shift, slope;
};
struct spira_norm_gradient spira_norm_gradient(const struct spira_channel_norm *norm, double a,
                                               double b, double m);

/* d of the bias of a channel: the sum of its dy, from the sums alone. moments are the channel's own
 * (without the bias). */
double spira_norm_bias_gradient(const struct spira_channel_norm *norm,
                                const struct spira_norm_sums *sums,
                                const struct spira_moments *moments, double a, double b, double m);

#endif
