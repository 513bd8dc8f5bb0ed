/* The parameters of a network: one array of what is trained, one of its gradients, the statistics
 * of BatchNorm, and the list of all by the framework's names. Inside of core/model/. */
#ifndef SPIRA_CORE_MODEL_PARAMETERS_H
#define SPIRA_CORE_MODEL_PARAMETERS_H

#include "core/model/network.h"
#include "core/model/spiraconv.h"

enum { SPIRA_PARAMETERS_MAX = SPIRA_CONVS * 7 + 4 };

/* One tensor and its gradient. */
struct spira_weight {
    float *value, *gradient;
};

struct spira_conv_parameters {
    struct spira_weight weight; /* (out, in, kernel, 1) */
    struct spira_weight bias, gamma, beta;
    float *running_mean, *running_var; /* NULL with GroupNorm */
    int64_t batches;
};

struct spira_parameters {
    struct spira_conv_parameters convs[SPIRA_CONVS];
    struct spira_weight fc1_weight, fc1_bias; /* (hidden, inputs), (hidden) */
    struct spira_weight fc2_weight, fc2_bias; /* (1, hidden), (1) */
    struct spira_trained trained;
    float *statistics;
    struct spira_parameter list[SPIRA_PARAMETERS_MAX];
    size_t count;
};

/* Allocates for fc1 of that many inputs and outputs, all zero. parameters stays where it is.
 * SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_parameters_init(struct spira_parameters *parameters,
                                                     enum spira_norm norm, size_t inputs,
                                                     size_t hidden, struct spira_error *err);
void spira_parameters_done(struct spira_parameters *parameters); /* a zeroed one is fine */

/* spira_network_draw. */
size_t spira_parameters_draw(struct spira_parameters *parameters, uint64_t seed,
                             const char *prefix);

#endif
