/* SpiraConv: the network of SPIRA (input: frames x features, one channel; docs/model.md has the
 * layers). v1 normalises over the batch (BatchNorm), v2 over groups of channels (GroupNorm).
 *
 * Made for one shape: windows of a fixed number of frames, or any number of frames with one output
 * for each time step left after conv4 ("per frame"). */
#ifndef SPIRA_CORE_MODEL_NETWORK_H
#define SPIRA_CORE_MODEL_NETWORK_H

#include "core/config/run_config.h"
#include "core/model/dropout.h"
#include "core/ports/matrix.h"
#include "core/training/batch.h"

struct spira_network;

/* Gives ret_network, its parameters zeroed; free with spira_network_free. frames: of every window;
 * 0: per frame. Keeps matrix. SPIRA_EINVALID when the frames are too few for the four convolutions
 * (spira_conv_min_frames), or of spira_model_kernel_choose; SPIRA_ENOMEMORY.
 *
 * matrix: for the products of shapes that core/model/kernel/front.h does not cover. Zeroed: the
 * kernel's own for all, whose bits are the same on any machine (kernel.h). */
SPIRA_MUST_USE enum spira_code spira_network_new(const struct spira_model_config *config,
                                                 size_t frames, size_t features,
                                                 struct spira_matrix matrix, size_t threads,
                                                 struct spira_network **ret_network,
                                                 struct spira_error *err);
void spira_network_free(struct spira_network *network); /* NULL is fine */

/* One named tensor of the network, under the reference framework's name ("conv.0.weight"). */
struct spira_parameter {
    const char *name;
    size_t rank;
    size_t shape[4];
    size_t count;    /* product of the shape */
    float *value;    /* NULL for num_batches_tracked */
    float *gradient; /* NULL: a statistic of BatchNorm, not trained */
    int64_t *number; /* num_batches_tracked; NULL for all others */
};

/* All of them, in the framework's order. Borrowed from network. */
const struct spira_parameter *spira_network_parameters(const struct spira_network *network,
                                                       size_t *ret_count);

/* What is trained, as one array: values and gradients, in the order of the parameters. */
struct spira_trained {
    float *values, *gradients;
    size_t count;
};
struct spira_trained spira_network_trained(const struct spira_network *network);

/* Draws parameters whose name begins with prefix ("" is all) as the framework does: convolution and
 * linear weights and biases uniform in +-1/sqrt(fan_in); norm weights 1 and biases 0; running means
 * 0, variances 1, counts 0. The numbers are named by (seed, parameter): others change nothing.
 * Returns how many parameters were drawn. */
size_t spira_network_draw(struct spira_network *network, uint64_t seed, const char *prefix);

/* One training pass, forward and backward, with the statistics of the batch (v1: of exactly these
 * windows, and the running statistics move).
 *
 *   loss(i) = mean over the outputs o of window i of
 *             -(label(i) log p(i,o) + (1 - label(i)) log(1 - p(i,o))), p = sigmoid
 *   gradients += d/dparameters of sum over i of weights(i) * loss(i)
 *
 * clipping: each logarithm is at least -100. The gradient of a saturated output is p - label all
 * the same. Fills ret_loss (count) and, unless NULL, ret_probability: p(i,o), the outputs of one
 * window after the other (spira_network_outputs of each). The same arguments give the same bits for
 * any number of threads. v2: windows may come in any number of calls. SPIRA_ENOMEMORY;
 * SPIRA_EINVALID when a window's frames do not fit. */
SPIRA_MUST_USE enum spira_code
spira_network_train(struct spira_network *network, const struct spira_window *windows, size_t count,
                    const double *weights, bool clipping, const struct spira_dropout *dropout,
                    double *ret_loss, double *ret_probability, struct spira_error *err);

/* Inference: no dropout, running statistics. Fills ret_probability as above and, unless NULL,
 * ret_loss (count). Codes as above. */
SPIRA_MUST_USE enum spira_code spira_network_predict(struct spira_network *network,
                                                     const struct spira_window *windows,
                                                     size_t count, bool clipping, double *ret_loss,
                                                     double *ret_probability,
                                                     struct spira_error *err);

/* Outputs of a window of that many frames: 1, or one for each time step left (per frame). */
size_t spira_network_outputs(const struct spira_network *network, size_t frames);

#endif
