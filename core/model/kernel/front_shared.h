/* What both directions of the front share: its sizes, the second layer's norm on lanes, and
 * transposition. */
#ifndef SPIRA_CORE_MODEL_KERNEL_FRONT_SHARED_H
#define SPIRA_CORE_MODEL_KERNEL_FRONT_SHARED_H

#include "core/model/kernel/mish.h"
#include "core/model/kernel/parts.h"

enum {
    CHANNELS = SPIRA_FRONT_CHANNELS,
    VECTORS = CHANNELS / LANES,
    OUTPUTS = SPIRA_FRONT_OUTPUTS,
    TAPS = SPIRA_FRONT_TAPS, /* of the first convolution */
    REACH = SPIRA_FRONT_REACH,
    OUT_TAPS = REACH + 1, /* of the second */
};

_Static_assert((int)OUTPUTS == (int)LANES, "a position's outputs are one vector");

/* Of each output a lane. */
struct second_norm {
    lanes offset, scale, beta;
};

static inline struct second_norm second_norm_of(const struct spira_channel_norm *norms)
{
    float offset[LANES], scale[LANES], beta[LANES];
    for (size_t c = 0; c < LANES; c++) {
        offset[c] = norms[c].offset;
        scale[c] = norms[c].gamma * norms[c].rstd;
        beta[c] = norms[c].beta;
    }
    return (struct second_norm){lanes_load(offset), lanes_load(scale), lanes_load(beta)};
}

INLINE struct mish second_activated(const struct second_norm *norm, lanes y)
{
    return mish_of(lanes_fma(lanes_sub(y, norm->offset), norm->scale, norm->beta));
}

/* Of two rows of pairs of lanes: pairs 0 and 2, 1 and 3 of one after the other, by 128 bits. */
#define INTERLEAVED_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define INTERLEAVED_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define PAIRED_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define PAIRED_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define UPPER(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

/* y(j, i) = x(i, j) for i, j < 8. */
INLINE void transpose_8x8(const float *x, size_t x_stride, float *y, size_t y_stride)
{
    half r[HALF], s[HALF];
    UNROLL
    for (size_t i = 0; i < HALF; i++)
        r[i] = half_load(x + i * x_stride);
    UNROLL
    for (size_t i = 0; i < HALF; i += 2) {
        s[i] = INTERLEAVED_LOW(r[i], r[i + 1]);
        s[i + 1] = INTERLEAVED_HIGH(r[i], r[i + 1]);
    }
    UNROLL
    for (size_t i = 0; i < HALF; i += 4) {
        r[i] = PAIRED_LOW(s[i], s[i + 2]);
        r[i + 1] = PAIRED_HIGH(s[i], s[i + 2]);
        r[i + 2] = PAIRED_LOW(s[i + 1], s[i + 3]);
        r[i + 3] = PAIRED_HIGH(s[i + 1], s[i + 3]);
    }
    UNROLL
    for (size_t i = 0; i < HALF / 2; i++) {
        half_store(y + i * y_stride, LOWER(r[i], r[i + 4]));
        half_store(y + (i + 4) * y_stride, UPPER(r[i], r[i + 4]));
    }
}

/* y(j, i) = x(i, j), rows and columns whole eights. */
static inline void transpose(const float *x, size_t x_stride, float *y, size_t y_stride,
                             size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i += HALF)
        for (size_t j = 0; j < columns; j += HALF)
            transpose_8x8(x + i * x_stride + j, x_stride, y + j * y_stride + i, y_stride);
}

#endif
