#include "core/model/network.h"

#include <math.h>

#include "core/model/conv_stack.h"
#include "core/model/dense.h"

#define LOG_LIMIT 100.0 /* with clipping no logarithm is below minus this */

/* With GroupNorm windows are independent, and few at a time stay in the caches between the passes.
 * More threads want more of them. The kernel's own products add up row by row, whatever the rounds;
 * a library's may not, so its rounds are the same for any number of threads. */
enum { ROUND = 8, LARGE_ROUND = 32 };

struct spira_network {
    enum spira_norm norm;
    size_t round;         /* windows at once in training; with BatchNorm all */
    size_t frames;        /* of every window; 0: per frame */
    size_t last_features; /* values of one time step after the last convolution */
    struct spira_parameters parameters;
    struct spira_conv_stack convs;
    struct spira_dense dense;
    double *d_logit;
    size_t d_logit_capacity;
};

enum spira_code spira_network_new(const struct spira_model_config *config, size_t frames,
                                  size_t features, struct spira_matrix matrix, size_t threads,
                                  struct spira_network **ret_network, struct spira_error *err)
{
    struct spira_conv_frames shapes[SPIRA_CONVS];
    if (frames > 0 && !spira_conv_frames(frames, shapes))
        return spira_fail(err, SPIRA_EINVALID,
                          "windows of %zu frames are too short for the network: at least %zu",
                          frames, spira_conv_min_frames());
    if (features == 0 || config->fc2_dim != 1)
        return spira_fail(
            err, SPIRA_EINVALID,
            "a network with %zu features and %zu outputs: at least 1 feature, 1 output", features,
            config->fc2_dim);
    const struct spira_model_kernel *kernel;
    enum spira_code code = spira_model_kernel_choose(&kernel, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_network *network = spira_alloc(1, sizeof *network);
    network->frames = frames;
    network->last_features = spira_convs[SPIRA_CONVS - 1].out * features;
    size_t inputs = (frames > 0 ? shapes[SPIRA_CONVS - 1].kept : 1) * network->last_features;
    code = spira_parameters_init(&network->parameters, config->norm, inputs, config->fc1_dim, err);
    if (code != SPIRA_OK) {
        spira_network_free(network);
        return code;
    }
    bool front = config->norm == SPIRA_GROUP_NORM && spira_front_covers(features);
    bool own = front || !matrix.ops;
    network->norm = config->norm;
    network->round = own && threads <= ROUND ? ROUND : LARGE_ROUND;
    if (own)
        matrix = spira_model_kernel_matrix(kernel);
    network->convs = (struct spira_conv_stack){
        .kernel = kernel,
        .matrix = matrix,
        .front = front,
        .parameters = &network->parameters,
        .norm = config->norm,
        .features = features,
        .threads = threads,
    };
    network->dense = (struct spira_dense){
        .kernel = kernel,
        .matrix = matrix,
        .parameters = &network->parameters,
        .inputs = inputs,
        .hidden = config->fc1_dim,
        .threads = threads,
    };
    *ret_network = network;
    return SPIRA_OK;
}

void spira_network_free(struct spira_network *network)
{
    if (!network)
        return;
    spira_conv_stack_done(&network->convs);
    spira_dense_done(&network->dense);
    spira_parameters_done(&network->parameters);
    free(network->d_logit);
    free(network);
}

const struct spira_parameter *spira_network_parameters(const struct spira_network *network,
                                                       size_t *ret_count)
{
    *ret_count = network->parameters.count;
    return network->parameters.list;
}

struct spira_trained spira_network_trained(const struct spira_network *network)
{
    return network->parameters.trained;
}

size_t spira_network_draw(struct spira_network *network, uint64_t seed, const char *prefix)
{
    return spira_parameters_draw(&network->parameters, seed, prefix);
}

size_t spira_network_outputs(const struct spira_network *network, size_t frames)
{
    struct spira_conv_frames shapes[SPIRA_CONVS];
    if (network->frames > 0)
        return 1;
    return spira_conv_frames(frames, shapes) ? shapes[SPIRA_CONVS - 1].kept : 0;
}

/* Takes up the windows, gives each its rows of the linear layers, and computes all logits. */
static enum spira_code forward(struct spira_network *network, const struct spira_window *windows,
                               size_t count, bool training, const struct spira_dropout *dropout,
                               struct spira_error *err)
{
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        if (network->frames > 0 && windows[i].frames != network->frames)
            return spira_fail(err, SPIRA_EINVALID, "a window of %zu frames: the network takes %zu",
                              windows[i].frames, network->frames);
        rows += spira_network_outputs(network, windows[i].frames);
    }
    enum spira_code code =
        spira_conv_stack_begin(&network->convs, windows, count, training, dropout, err);
    if (code == SPIRA_OK)
        code = spira_dense_reserve(&network->dense, rows, err);
    if (code != SPIRA_OK)
        return code;
    size_t row = 0;
    for (size_t i = 0; i < count; i++) {
        size_t outputs = spira_network_outputs(network, windows[i].frames);
        const struct spira_mask mask = spira_mask(dropout, SPIRA_CONVS, i);
        spira_dense_mask(&network->dense, &mask, row, outputs);
        network->convs.traces[i].out = network->dense.x + row * network->dense.inputs;
        network->convs.traces[i].d_out = network->dense.dx + row * network->dense.inputs;
        row += outputs;
    }
    spira_conv_stack_forward(&network->convs);
    spira_dense_forward(&network->dense);
    return SPIRA_OK;
}

/* -log of the sigmoid of x, exact for any x. */
static double log_loss(double x, bool clipping)
{
    double loss = x > 0 ? log1p(exp(-x)) : log1p(exp(x)) - x;
    return clipping && loss > LOG_LIMIT ? LOG_LIMIT : loss;
}

static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* Loss and probabilities of each window from the logits; d_logit unless NULL. */
static void judge(const struct spira_network *network, const struct spira_window *windows,
                  size_t count, const double *weights, bool clipping, double *ret_loss,
                  double *ret_probability, double *d_logit)
{
    size_t row = 0;
    for (size_t i = 0; i < count; i++) {
        size_t outputs = spira_network_outputs(network, windows[i].frames);
        double label = (double)windows[i].label, loss = 0;
        for (size_t end = row + outputs; row < end; row++) {
            double logit = network->dense.logit[row], probability = sigmoid(logit);
            loss += label * log_loss(logit, clipping) + (1 - label) * log_loss(-logit, clipping);
            if (ret_probability)
                ret_probability[row] = probability;
            if (d_logit)
                d_logit[row] = weights[i] * (probability - label) / (double)outputs;
        }
        if (ret_loss)
            ret_loss[i] = loss / (double)outputs;
    }
}

/* A round of windows, forward and backward. */
static enum spira_code train_round(struct spira_network *network,
                                   const struct spira_window *windows, size_t count,
                                   const double *weights, bool clipping,
                                   const struct spira_dropout *dropout, double *ret_loss,
                                   double *ret_probability, struct spira_error *err)
{
    enum spira_code code = forward(network, windows, count, true, dropout, err);
    if (code != SPIRA_OK)
        return code;
    if (network->dense.rows > network->d_logit_capacity) {
        network->d_logit_capacity = network->dense.rows;
        network->d_logit =
            spira_realloc(network->d_logit, network->d_logit_capacity, sizeof *network->d_logit);
    }
    judge(network, windows, count, weights, clipping, ret_loss, ret_probability, network->d_logit);
    spira_dense_backward(&network->dense, network->d_logit);
    spira_conv_stack_backward(&network->convs);
    return SPIRA_OK;
}

enum spira_code spira_network_train(struct spira_network *network,
                                    const struct spira_window *windows, size_t count,
                                    const double *weights, bool clipping,
                                    const struct spira_dropout *dropout, double *ret_loss,
                                    double *ret_probability, struct spira_error *err)
{
    size_t most = network->norm == SPIRA_GROUP_NORM ? network->round : count;
    for (size_t i = 0; i < count; i += most) {
        size_t round = count - i < most ? count - i : most;
        struct spira_dropout own = dropout ? *dropout : (struct spira_dropout){0};
        own.first_window += i;
        enum spira_code code = train_round(network, windows + i, round, weights + i, clipping, &own,
                                           ret_loss + i, ret_probability, err);
        if (code != SPIRA_OK)
            return code;
        if (ret_probability)
            ret_probability += network->dense.rows;
    }
    return SPIRA_OK;
}

enum spira_code spira_network_predict(struct spira_network *network,
                                      const struct spira_window *windows, size_t count,
                                      bool clipping, double *ret_loss, double *ret_probability,
                                      struct spira_error *err)
{
    enum spira_code code = forward(network, windows, count, false, NULL, err);
    if (code == SPIRA_OK)
        judge(network, windows, count, NULL, clipping, ret_loss, ret_probability, NULL);
    return code;
}
