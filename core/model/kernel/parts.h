/* What the files of one level share: the functions of its table. Each of those files is built once
 * for each level. */
#ifndef SPIRA_CORE_MODEL_KERNEL_PARTS_H
#define SPIRA_CORE_MODEL_KERNEL_PARTS_H

#include "core/model/kernel/kernel.h"
#include "core/model/kernel/lanes.h"

/* products.c */
void AT_LEVEL(spira_gemm)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                          const float *a, size_t lda, const float *b, size_t ldb, float beta,
                          float *c, size_t ldc);
void AT_LEVEL(spira_weight_gradients)(const struct spira_conv *conv,
                                      const struct spira_conv_frames *frames, size_t features,
                                      const float *x, const float *dy, float *packed_dw);

/* pointwise.c */
void AT_LEVEL(spira_mish)(const float *x, const float *mask, size_t count, float *ret_y);
void AT_LEVEL(spira_mish_backward)(const float *x, const float *mask, const float *dy, size_t count,
                                   float *ret_dx);
void AT_LEVEL(spira_activation_forward)(const struct spira_activation *activation, const float *y,
                                        float *ret_out);
void AT_LEVEL(spira_activation_backward)(const struct spira_activation *activation, const float *y,
                                         const float *d_out, float *ret_d,
                                         struct spira_norm_sums *ret_sums);
struct spira_moments AT_LEVEL(spira_moments)(const float *y, size_t channel, size_t channels,
                                             size_t dilation, size_t frames, size_t features);
void AT_LEVEL(spira_norm_backward)(float *d, const float *y, const struct spira_channel_norm *norm,
                                   const struct spira_norm_gradient *gradient, size_t channel,
                                   size_t channels, size_t dilation, size_t frames,
                                   size_t features);
void AT_LEVEL(spira_adam_values)(float *values, const float *gradients, float *first, float *second,
                                 size_t count, const struct spira_adam_factors *factors);

/* front_forward.c, front_backward.c */
void AT_LEVEL(spira_front_forward)(struct spira_front *front);
void AT_LEVEL(spira_front_backward)(struct spira_front *front);

#endif
