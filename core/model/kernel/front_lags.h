/* spira_lag_sums of one window. */
#ifndef SPIRA_CORE_MODEL_KERNEL_FRONT_LAGS_H
#define SPIRA_CORE_MODEL_KERNEL_FRONT_LAGS_H

#include "core/model/kernel/front_shared.h"

typedef double quad __attribute__((vector_size(32)));

enum { EDGE = 2 * (TAPS - 1) };

INLINE quad quad_load(const float *from)
{
    return (quad){(double)from[0], (double)from[1], (double)from[2], (double)from[3]};
}

/* sums[j] += products of the row with the row 2 j later, sums[TAPS] += its values, for lags below
 * count. A product of two floats is exact in a double. */
INLINE void add_row_lags(const float *row, size_t features, size_t count, quad sums[TAPS + 1])
{
    for (size_t f = 0; f < features; f += 4) {
        quad own = quad_load(row + f);
        sums[TAPS] += own;
        UNROLL
        for (size_t j = 0; j < TAPS; j++)
            if (j < count)
                sums[j] += own * quad_load(row + 2 * j * features + f);
    }
}

static inline double quad_sum(quad x)
{
    return (x[0] + x[2]) + (x[1] + x[3]);
}

/* Tap k of the first convolution meets the rows 2 k to 2 k + out - 1 of the input. All taps meet
 * the rows from EDGE to out - 1; the few before and after are counted row by row. */
static void lag_sums(const float *x, const struct spira_conv_frames *frames, size_t features,
                     struct spira_lag_sums *ret_sums)
{
    size_t out = frames->out;
    quad core[TAPS + 1] = {0};
    for (size_t t = EDGE; t < out; t++)
        add_row_lags(x + t * features, features, TAPS, core);
    double edges[2 * EDGE][TAPS + 1];
    for (size_t i = 0; i < 2 * EDGE; i++) {
        size_t t = i < EDGE ? i : out + i - EDGE;
        quad sums[TAPS + 1] = {0};
        add_row_lags(x + t * features, features, (frames->in - t + 1) / 2, sums);
        for (size_t j = 0; j <= TAPS; j++)
            edges[i][j] = quad_sum(sums[j]);
    }
    for (size_t k = 0; k < TAPS; k++)
        for (size_t j = 0; j <= TAPS; j++) {
            if (j < TAPS && k + j >= TAPS)
                continue;
            double sum = quad_sum(core[j]);
            for (size_t i = 2 * k; i < EDGE + 2 * k; i++)
                sum += edges[i][j];
            if (j == TAPS)
                ret_sums->x[k] = sum;
            else
                ret_sums->xx[k][k + j] = ret_sums->xx[k + j][k] = sum;
        }
}

#endif
