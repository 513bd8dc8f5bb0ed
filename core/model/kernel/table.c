/* The table of one level. Built once for each. */
#include "core/model/kernel/parts.h"

extern const struct spira_model_kernel AT_LEVEL(spira_model_kernel);
const struct spira_model_kernel AT_LEVEL(spira_model_kernel) = {
    .gemm = AT_LEVEL(spira_gemm),
    .weight_gradients = AT_LEVEL(spira_weight_gradients),
    .mish = AT_LEVEL(spira_mish),
    .mish_backward = AT_LEVEL(spira_mish_backward),
    .activation_forward = AT_LEVEL(spira_activation_forward),
    .activation_backward = AT_LEVEL(spira_activation_backward),
    .moments = AT_LEVEL(spira_moments),
    .norm_backward = AT_LEVEL(spira_norm_backward),
    .adam = AT_LEVEL(spira_adam_values),
    .front_forward = AT_LEVEL(spira_front_forward),
    .front_backward = AT_LEVEL(spira_front_backward),
};
