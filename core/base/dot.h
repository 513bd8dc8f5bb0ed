/* The inner loop of resampling and of the mel filters. */
#ifndef SPIRA_CORE_BASE_DOT_H
#define SPIRA_CORE_BASE_DOT_H

#include <stddef.h>

enum { SPIRA_DOT_LANES = 8 };

/* count rounded up to whole lanes: the length to pad operands of spira_dot to, with zeros. */
static inline size_t spira_dot_padded(size_t count)
{
    return (count + SPIRA_DOT_LANES - 1) / SPIRA_DOT_LANES * SPIRA_DOT_LANES;
}

/* Sum over i < count of a[i] * b[i]; count a multiple of SPIRA_DOT_LANES. Eight partial sums,
 * joined in this order: a compiler may use vectors (it must not reorder a plain sum), and the bits
 * are the same on any machine. */
static inline float spira_dot(const float *restrict a, const float *restrict b, size_t count)
{
    float lane[SPIRA_DOT_LANES] = {0};
    for (size_t i = 0; i < count; i += SPIRA_DOT_LANES)
        for (size_t l = 0; l < SPIRA_DOT_LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

#endif
