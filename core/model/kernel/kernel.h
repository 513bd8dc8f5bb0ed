/* The arithmetic of SpiraConv at one level of core/base/dispatch.h. Inside of core/model/.
 *
 * AVX2 and AVX-512 give the same bits (lanes.h). What a function writes depends on its arguments
 * alone, and a sum over many values is made in one order whatever it is cut into: a product gives
 * the same bits for a row alone as among others. */
#ifndef SPIRA_CORE_MODEL_KERNEL_KERNEL_H
#define SPIRA_CORE_MODEL_KERNEL_KERNEL_H

#include "core/base/dispatch.h"
#include "core/model/activation.h"
#include "core/model/kernel/front.h"
#include "core/ports/matrix.h"

/* What one step of Adam (Kingma and Ba, 2015) multiplies with. */
struct spira_adam_factors {
    float rate;         /* learning rate / (1 - 0.9^t) */
    float second_scale; /* 1 / sqrt(1 - 0.999^t) */
    float weight_decay;
};

struct spira_model_kernel {
    /* As spira_matrix_gemm; not both transposed. Each value of C is beta C and then the products of
     * k in ascending order, added one by one; where B is transposed, the sum over 16 lanes of k. */
    void (*gemm)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
                 size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);

    /* dw(co, k*in + ci) += sum over tiles and the tile's row of dy(tile, co) x(tile + k, ci): the
     * tiles of core/model/conv.h. */
    void (*weight_gradients)(const struct spira_conv *conv, const struct spira_conv_frames *frames,
                             size_t features, const float *x, const float *dy, float *packed_dw);

    /* ret_y(i) = mish(x(i)) mask(i); ret_dx(i) = mish'(x(i)) mask(i) dy(i). */
    void (*mish)(const float *x, const float *mask, size_t count, float *ret_y);
    void (*mish_backward)(const float *x, const float *mask, const float *dy, size_t count,
                          float *ret_dx);

    /* core/model/activation.h. */
    void (*activation_forward)(const struct spira_activation *activation, const float *y,
                               float *ret_out);
    void (*activation_backward)(const struct spira_activation *activation, const float *y,
                                const float *d_out, float *ret_d, struct spira_norm_sums *ret_sums);

    /* Moments of one channel's y over frames time steps of a window in tiles. */
    struct spira_moments (*moments)(const float *y, size_t channel, size_t channels,
                                    size_t dilation, size_t frames, size_t features);

    /* Replaces d by dy over a whole channel of one window; zeros where the last tile is not full.
     */
    void (*norm_backward)(float *d, const float *y, const struct spira_channel_norm *norm,
                          const struct spira_norm_gradient *gradient, size_t channel,
                          size_t channels, size_t dilation, size_t frames, size_t features);

    /* One step of Adam on count values. */
    void (*adam)(float *values, const float *gradients, float *first, float *second, size_t count,
                 const struct spira_adam_factors *factors);

    /* The first two convolutions in one go (front.h). */
    void (*front_forward)(struct spira_front *front);
    void (*front_backward)(struct spira_front *front);
};

/* What the bits of a network's results depend on besides what went into it, as a text for keys:
 * "lanes" (AVX2 and AVX-512) or "scalar". */
const char *spira_model_arithmetic(void);

/* The matrix port over a kernel's gemm (but not both transposed). */
struct spira_matrix spira_model_kernel_matrix(const struct spira_model_kernel *kernel);

/* NULL when this build has no such level; every build has SPIRA_DISPATCH_SCALAR. */
const struct spira_model_kernel *spira_model_kernel_at(enum spira_dispatch level);

/* Gives the one of spira_dispatch_level, whose codes it has. */
SPIRA_MUST_USE enum spira_code
spira_model_kernel_choose(const struct spira_model_kernel **ret_kernel, struct spira_error *err);

#endif
