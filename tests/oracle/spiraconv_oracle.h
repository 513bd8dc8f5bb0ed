/* SpiraConv written down as its definition says, in double and with plain loops: the twin that the
 * network is compared with. Windows all have the same frames. */
#ifndef SPIRA_TESTS_ORACLE_SPIRACONV_ORACLE_H
#define SPIRA_TESTS_ORACLE_SPIRACONV_ORACLE_H

#include <assert.h>
#include <math.h>

#include "core/model/dropout.h"
#include "core/model/network.h"
#include "core/model/spiraconv.h"

struct oracle {
    bool batch_norm, training, per_frame;
    size_t features, hidden, count;
    double **values; /* of the parameters, in their order */
    const struct spira_parameter *parameters;
    size_t parameter_count;
    const struct spira_dropout *dropout;
};

static const double *oracle_find(const struct oracle *oracle, const char *format, int layer)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("%s", format);
    char *place = strchr(name, '#');
    SPIRA_CLEANUP(spira_free_at)
    char *full = place ? spira_format("%.*s%d%s", (int)(place - name), name, layer, place + 1)
                       : spira_format("%s", name);
    for (size_t i = 0; i < oracle->parameter_count; i++)
        if (strcmp(oracle->parameters[i].name, full) == 0)
            return oracle->values[i];
    assert(!"a parameter of that name");
    return NULL;
}

static double oracle_mish(double x)
{
    return x * tanh(log1p(exp(x)));
}

static double oracle_mask(const struct oracle *oracle, size_t layer, size_t window, size_t element)
{
    struct spira_mask mask = spira_mask(oracle->training ? oracle->dropout : NULL, layer, window);
    return (double)spira_mask_factor(&mask, (uint32_t)element);
}

/* Mean and biased variance over channels [c0, c1) of windows [w0, w1) of y (window, time, channel,
 * feature). */
static void oracle_moments(const double *y, size_t frames, size_t channels, size_t features,
                           size_t w0, size_t w1, size_t c0, size_t c1, double *mean,
                           double *variance)
{
    double sum = 0, squares = 0, count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t w = w0; w < w1; w++)
            for (size_t t = 0; t < frames; t++)
                for (size_t c = c0; c < c1; c++)
                    for (size_t f = 0; f < features; f++) {
                        double value = y[((w * frames + t) * channels + c) * features + f];
                        if (pass == 0) {
                            sum += value;
                            count++;
                        } else {
                            squares += (value - sum / count) * (value - sum / count);
                        }
                    }
    }
    *mean = sum / count;
    *variance = squares / count;
}

/* One convolution with its norm, Mish, pooling and dropout: x (window, frames, in, feature) is
 * freed, the result given. */
static double *oracle_conv(const struct oracle *oracle, double *x, size_t *frames, size_t layer)
{
    const struct spira_conv *conv = &spira_convs[layer];
    size_t F = oracle->features, N = oracle->count, T = *frames;
    size_t out = T - conv->dilation * (conv->kernel - 1);
    const double *weight = oracle_find(oracle, "conv.#.weight", (int)layer * 5);
    const double *bias = oracle_find(oracle, "conv.#.bias", (int)layer * 5);
    const double *gamma = oracle_find(oracle, "conv.#.weight", (int)layer * 5 + 1);
    const double *beta = oracle_find(oracle, "conv.#.bias", (int)layer * 5 + 1);
    double *y = spira_alloc(N * out * conv->out * F, sizeof *y);
    for (size_t w = 0; w < N; w++)
        for (size_t t = 0; t < out; t++)
            for (size_t co = 0; co < conv->out; co++)
                for (size_t f = 0; f < F; f++) {
                    double sum = bias[co];
                    for (size_t ci = 0; ci < conv->in; ci++)
                        for (size_t k = 0; k < conv->kernel; k++)
                            sum += weight[(co * conv->in + ci) * conv->kernel + k] *
                                   x[((w * T + t + k * conv->dilation) * conv->in + ci) * F + f];
                    y[((w * out + t) * conv->out + co) * F + f] = sum;
                }
    free(x);
    size_t stride = conv->pooled ? 2 : 1, kept = out / stride, width = conv->out / conv->groups;
    double *result = spira_alloc(N * kept * conv->out * F, sizeof *result);
    for (size_t w = 0; w < N; w++)
        for (size_t c = 0; c < conv->out; c++) {
            double mean, variance;
            if (!oracle->batch_norm)
                oracle_moments(y, out, conv->out, F, w, w + 1, c / width * width,
                               c / width * width + width, &mean, &variance);
            else if (oracle->training)
                oracle_moments(y, out, conv->out, F, 0, N, c, c + 1, &mean, &variance);
            else {
                mean = oracle_find(oracle, "conv.#.running_mean", (int)layer * 5 + 1)[c];
                variance = oracle_find(oracle, "conv.#.running_var", (int)layer * 5 + 1)[c];
            }
            for (size_t t = 0; t < kept; t++)
                for (size_t f = 0; f < F; f++) {
                    double best = -INFINITY;
                    for (size_t s = 0; s < stride; s++) {
                        double v = y[((w * out + t * stride + s) * conv->out + c) * F + f];
                        double m =
                            oracle_mish((v - mean) / sqrt(variance + 1e-5) * gamma[c] + beta[c]);
                        best = m > best ? m : best;
                    }
                    size_t element = (t * conv->out + c) * F + f;
                    result[w * kept * conv->out * F + element] =
                        best * oracle_mask(oracle, layer, w, element);
                }
        }
    free(y);
    *frames = kept;
    return result;
}

/* Fills ret_loss (count) and returns the sum of weights * loss. ret_probability may be NULL. */
static double oracle_loss(const struct oracle *oracle, const struct spira_window *windows,
                          const double *weights, double *ret_loss, double *ret_probability)
{
    size_t F = oracle->features, N = oracle->count, frames = windows[0].frames;
    double *x = spira_alloc(N * frames * F, sizeof *x);
    for (size_t w = 0; w < N; w++)
        for (size_t i = 0; i < frames * F; i++)
            x[w * frames * F + i] = (double)windows[w].data[i];
    for (size_t layer = 0; layer < SPIRA_CONVS; layer++)
        x = oracle_conv(oracle, x, &frames, layer);
    const double *w1 = oracle_find(oracle, "fc1.weight", 0);
    const double *b1 = oracle_find(oracle, "fc1.bias", 0);
    const double *w2 = oracle_find(oracle, "fc2.weight", 0);
    const double *b2 = oracle_find(oracle, "fc2.bias", 0);
    size_t outputs = oracle->per_frame ? frames : 1, inputs = frames / outputs * 4 * F;
    double total = 0;
    for (size_t w = 0; w < N; w++) {
        double loss = 0, label = (double)windows[w].label;
        for (size_t o = 0; o < outputs; o++) {
            const double *row = x + (w * outputs + o) * inputs;
            double logit = b2[0];
            for (size_t h = 0; h < oracle->hidden; h++) {
                double z = b1[h];
                for (size_t i = 0; i < inputs; i++)
                    z += w1[h * inputs + i] * row[i];
                logit += w2[h] * oracle_mish(z) *
                         oracle_mask(oracle, SPIRA_CONVS, w, o * oracle->hidden + h);
            }
            double p = 1 / (1 + exp(-logit));
            loss -= label * log(p) + (1 - label) * log(1 - p);
            if (ret_probability)
                ret_probability[w * outputs + o] = p;
        }
        ret_loss[w] = loss / (double)outputs;
        total += weights[w] * ret_loss[w];
    }
    free(x);
    return total;
}

#endif
