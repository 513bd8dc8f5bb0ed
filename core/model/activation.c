#include "core/model/activation.h"

#include <string.h>

#include "core/model/mish.h"

/* Multiplies a row, whose first value is that element of the layer, by its mask. */
static void mask_row(float *row, struct spira_mask mask, uint32_t element, size_t count)
{
    for (size_t f = 0; f < count; f++)
        row[f] *= spira_mask_factor(&mask, element + (uint32_t)f);
}

static void forward_row(float *restrict out, const float *restrict y, float offset, float scale,
                        float beta, size_t count)
{
    for (size_t f = 0; f < count; f++)
        out[f] = spira_mish((y[f] - offset) * scale + beta);
}

/* The same for the larger of two time steps: y and the row behind it. */
static void forward_pair(float *restrict out, const float *restrict y, float offset, float scale,
                         float beta, size_t count)
{
    for (size_t f = 0; f < count; f++) {
        float first = spira_mish((y[f] - offset) * scale + beta);
        float second = spira_mish((y[count + f] - offset) * scale + beta);
        out[f] = second > first ? second : first;
    }
}

void spira_activation_forward(const struct spira_activation *activation, const float *y,
                              float *ret_out)
{
    const struct spira_conv *conv = activation->conv;
    size_t features = activation->features, kept = activation->frames->kept;
    size_t after = activation->dilation_after, stride = conv->pooled ? SPIRA_POOL : 1;
    for (size_t t = 0; t < kept; t++)
        for (size_t c = 0; c < conv->out; c++) {
            const struct spira_channel_norm *norm = &activation->norm[c];
            const float *from =
                y + spira_tiled_at(t * stride, c, conv->dilation, conv->out, features);
            float *to = ret_out + spira_tiled_at(t, c, after, conv->out, features);
            (conv->pooled ? forward_pair : forward_row)(
                to, from, norm->offset, norm->gamma * norm->rstd, norm->beta, features);
            if (activation->mask.least)
                mask_row(to, activation->mask, (uint32_t)((t * conv->out + c) * features),
                         features);
        }
    /* The rest of a last tile that is not full. */
    for (size_t t = kept; t % after != 0; t++)
        for (size_t c = 0; c < conv->out; c++)
            memset(ret_out + spira_tiled_at(t, c, after, conv->out, features), 0,
                   features * sizeof *ret_out);
}

static void backward_row(float *restrict d, const float *restrict d_out, const float *restrict y,
                         float offset, float scale, float beta, size_t count)
{
    for (size_t f = 0; f < count; f++)
        d[f] = d_out[f] * spira_mish_derivative((y[f] - offset) * scale + beta);
}

static void backward_pair(float *restrict d, const float *restrict d_out, const float *restrict y,
                          float offset, float scale, float beta, size_t count)
{
    for (size_t f = 0; f < count; f++) {
        float a = (y[f] - offset) * scale + beta;
        float b = (y[count + f] - offset) * scale + beta;
        float from_second = spira_mish(b) > spira_mish(a) ? 1.0f : 0.0f;
        float gradient =
            d_out[f] * spira_mish_derivative(from_second * b + (1.0f - from_second) * a);
        d[f] = (1.0f - from_second) * gradient;
        d[count + f] = from_second * gradient;
    }
}

enum { LANES = 16 };

/* sums += sum d and sum d xhat over a row of count values. */
static void add_sums(struct spira_norm_sums *sums, const float *restrict d, const float *restrict y,
                     const struct spira_channel_norm *norm, size_t count)
{
    float lane_d[LANES] = {0}, lane_dx[LANES] = {0};
    float offset = norm->offset;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            lane_d[l] += d[i + l];
            lane_dx[l] += d[i + l] * (y[i + l] - offset);
        }
    for (size_t l = 0; i < count; i++, l++) {
        lane_d[l] += d[i];
        lane_dx[l] += d[i] * (y[i] - offset);
    }
    double d_sum = 0, dx_sum = 0;
    for (size_t l = 0; l < LANES; l++) {
        d_sum += (double)lane_d[l];
        dx_sum += (double)lane_dx[l];
    }
    sums->d += d_sum;
    sums->dx += dx_sum * (double)norm->rstd;
}

/* One channel at one time step after pooling: writes d for the time steps it came from, masks it
 * and adds to the sums. */
static void backward_at(const struct spira_activation *activation, size_t t, size_t c,
                        const float *y, const float *d_out, float *d, struct spira_norm_sums *sums)
{
    const struct spira_conv *conv = activation->conv;
    const struct spira_channel_norm *norm = &activation->norm[c];
    size_t features = activation->features, stride = conv->pooled ? SPIRA_POOL : 1;
    size_t at = spira_tiled_at(t * stride, c, conv->dilation, conv->out, features);
    const float *out_row =
        d_out + spira_tiled_at(t, c, activation->dilation_after, conv->out, features);
    uint32_t element = (uint32_t)((t * conv->out + c) * features);
    (conv->pooled ? backward_pair : backward_row)(d + at, out_row, y + at, norm->offset,
                                                  norm->gamma * norm->rstd, norm->beta, features);
    for (size_t part = 0; part < stride && activation->mask.least; part++)
        mask_row(d + at + part * features, activation->mask, element, features);
    add_sums(sums, d + at, y + at, norm, stride * features);
}

void spira_activation_backward(const struct spira_activation *activation, const float *y,
                               const float *d_out, float *ret_d, struct spira_norm_sums *ret_sums)
{
    const struct spira_conv *conv = activation->conv;
    const struct spira_conv_frames *frames = activation->frames;
    size_t features = activation->features, stride = conv->pooled ? SPIRA_POOL : 1;
    for (size_t c = 0; c < conv->out; c++)
        ret_sums[c] = (struct spira_norm_sums){0};
    for (size_t t = 0; t < frames->kept; t++)
        for (size_t c = 0; c < conv->out; c++)
            backward_at(activation, t, c, y, d_out, ret_d, &ret_sums[c]);
    for (size_t t = frames->kept * stride; t < frames->out; t++)
        for (size_t c = 0; c < conv->out; c++)
            memset(ret_d + spira_tiled_at(t, c, conv->dilation, conv->out, features), 0,
                   features * sizeof *ret_d);
}
