/* What is done value by value: norms, Mish, pooling, dropout, Adam. Built once for each level. */
#include "core/model/kernel/mish.h"
#include "core/model/kernel/parts.h"

INLINE size_t part_of(size_t count, size_t i)
{
    return count - i < LANES ? count - i : LANES;
}

INLINE lanes load_some(const float *from, size_t count)
{
    return count == LANES ? lanes_load(from) : lanes_load_part(from, count);
}

INLINE void store_some(float *to, lanes x, size_t count)
{
    if (count == LANES)
        lanes_store(to, x);
    else
        lanes_store_part(to, x, count);
}

void AT_LEVEL(spira_mish)(const float *x, const float *mask, size_t count, float *ret_y)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t part = part_of(count, i);
        lanes y = mish_value(mish_of(load_some(x + i, part)));
        store_some(ret_y + i, lanes_mul(y, load_some(mask + i, part)), part);
    }
}

void AT_LEVEL(spira_mish_backward)(const float *x, const float *mask, const float *dy, size_t count,
                                   float *ret_dx)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t part = part_of(count, i);
        lanes slope = mish_slope(mish_of(load_some(x + i, part)));
        lanes factor = lanes_mul(load_some(mask + i, part), load_some(dy + i, part));
        store_some(ret_dx + i, lanes_mul(slope, factor), part);
    }
}

/* ---- activation: norm, Mish, pooling, dropout ---- */

/* One channel at one time step after pooling. */
struct row {
    lanes offset, scale, beta, dropout;
    lane_ints spread;
    const float *y;                /* one row, or the two of a pair, one behind the other */
    const struct spira_mask *mask; /* NULL: nothing is dropped */
    size_t features;
    uint32_t element; /* of the layer, of the first value */
    bool pooled;
};

INLINE struct row row_at(const struct spira_activation *activation, lane_ints spread, size_t t,
                         size_t c, const float *y)
{
    const struct spira_conv *conv = activation->conv;
    const struct spira_channel_norm *norm = &activation->norm[c];
    size_t stride = conv->pooled ? SPIRA_POOL : 1, features = activation->features;
    return (struct row){
        .y = y + spira_tiled_at(t * stride, c, conv->dilation, conv->out, features),
        .offset = lanes_all(norm->offset),
        .scale = lanes_all(norm->gamma * norm->rstd),
        .beta = lanes_all(norm->beta),
        .dropout = lanes_all(activation->mask.scale),
        .mask = activation->mask.least ? &activation->mask : NULL,
        .spread = spread,
        .element = (uint32_t)((t * conv->out + c) * features),
        .features = features,
        .pooled = conv->pooled,
    };
}

INLINE struct mish activated(const struct row *row, lanes y)
{
    return mish_of(lanes_fma(lanes_sub(y, row->offset), row->scale, row->beta));
}

INLINE lane_bits kept_of(const struct row *row, size_t f)
{
    return row->mask ? mask_lanes(row->mask, row->spread, row->element + (uint32_t)f) : 0xFFFF;
}

INLINE void forward_row(const struct row *row, float *out)
{
    for (size_t f = 0; f < row->features; f += LANES) {
        size_t part = part_of(row->features, f);
        lanes value = mish_value(activated(row, load_some(row->y + f, part)));
        if (row->pooled) {
            lanes second = mish_value(activated(row, load_some(row->y + row->features + f, part)));
            value = lanes_choose(lanes_greater(second, value), second, value);
        }
        store_some(out + f, lanes_keep(kept_of(row, f), lanes_mul(value, row->dropout)), part);
    }
}

void AT_LEVEL(spira_activation_forward)(const struct spira_activation *activation, const float *y,
                                        float *ret_out)
{
    const struct spira_conv *conv = activation->conv;
    size_t features = activation->features, kept = activation->frames->kept;
    size_t after = activation->dilation_after;
    lane_ints spread = mask_spread(1);
    for (size_t t = 0; t < kept; t++)
        for (size_t c = 0; c < conv->out; c++) {
            const struct row row = row_at(activation, spread, t, c, y);
            forward_row(&row, ret_out + spira_tiled_at(t, c, after, conv->out, features));
        }
    /* The rest of a last tile that is not full. */
    for (size_t t = kept; t % after != 0; t++)
        for (size_t c = 0; c < conv->out; c++)
            memset(ret_out + spira_tiled_at(t, c, after, conv->out, features), 0,
                   features * sizeof *ret_out);
}

/* Writes d of the time steps behind one value of d_out and adds to the channel's sums. */
INLINE void backward_row(const struct row *row, const float *d_out, float *d, double rstd,
                         struct spira_norm_sums *sums)
{
    lanes sum_d = lanes_all(0), sum_dx = lanes_all(0);
    for (size_t f = 0; f < row->features; f += LANES) {
        size_t part = part_of(row->features, f);
        lanes y = load_some(row->y + f, part);
        struct mish m = activated(row, y);
        lane_bits second_wins = 0, kept = kept_of(row, f) & ((1u << part) - 1);
        if (row->pooled) {
            lanes other_y = load_some(row->y + row->features + f, part);
            struct mish other = activated(row, other_y);
            second_wins = mish_larger(m, mish_value(m), other, mish_value(other), kept);
            m = mish_choose(second_wins, other, m);
            y = lanes_choose(second_wins, other_y, y);
        }
        lanes gradient = lanes_mul(load_some(d_out + f, part), row->dropout);
        gradient = lanes_keep(kept, lanes_mul(gradient, mish_slope(m)));
        store_some(d + f, lanes_keep(~second_wins, gradient), part);
        if (row->pooled)
            store_some(d + row->features + f, lanes_keep(second_wins, gradient), part);
        sum_d = lanes_add(sum_d, gradient);
        sum_dx = lanes_fma(gradient, lanes_sub(y, row->offset), sum_dx);
    }
    sums->d += (double)lanes_sum(sum_d);
    sums->dx += (double)lanes_sum(sum_dx) * rstd;
}

void AT_LEVEL(spira_activation_backward)(const struct spira_activation *activation, const float *y,
                                         const float *d_out, float *ret_d,
                                         struct spira_norm_sums *ret_sums)
{
    const struct spira_conv *conv = activation->conv;
    const struct spira_conv_frames *frames = activation->frames;
    size_t features = activation->features, stride = conv->pooled ? SPIRA_POOL : 1;
    lane_ints spread = mask_spread(1);
    for (size_t c = 0; c < conv->out; c++)
        ret_sums[c] = (struct spira_norm_sums){0};
    for (size_t t = 0; t < frames->kept; t++)
        for (size_t c = 0; c < conv->out; c++) {
            const struct row row = row_at(activation, spread, t, c, y);
            size_t out = spira_tiled_at(t, c, activation->dilation_after, conv->out, features);
            backward_row(&row, d_out + out, ret_d + (row.y - y), (double)activation->norm[c].rstd,
                         &ret_sums[c]);
        }
    for (size_t t = frames->kept * stride; t < frames->out; t++)
        for (size_t c = 0; c < conv->out; c++)
            memset(ret_d + spira_tiled_at(t, c, conv->dilation, conv->out, features), 0,
                   features * sizeof *ret_d);
}

/* ---- norms ---- */

INLINE double row_sum(const float *row, size_t count)
{
    lanes sum = lanes_all(0);
    for (size_t i = 0; i < count; i += LANES)
        sum = lanes_add(sum, load_some(row + i, part_of(count, i)));
    return (double)lanes_sum(sum);
}

INLINE double row_squares(const float *row, float mean, size_t count)
{
    lanes sum = lanes_all(0), middle = lanes_all(mean);
    for (size_t i = 0; i < count; i += LANES) {
        size_t part = part_of(count, i);
        lanes apart = lanes_sub(load_some(row + i, part), middle);
        if (part < LANES)
            apart = lanes_keep((1u << part) - 1, apart);
        sum = lanes_fma(apart, apart, sum);
    }
    return (double)lanes_sum(sum);
}

/* Floats of a tile's row that are time steps. */
INLINE size_t row_length(size_t tile, size_t dilation, size_t frames, size_t features)
{
    size_t left = frames - tile * dilation;
    return (left < dilation ? left : dilation) * features;
}

struct spira_moments AT_LEVEL(spira_moments)(const float *y, size_t channel, size_t channels,
                                             size_t dilation, size_t frames, size_t features)
{
    size_t tiles = spira_tiles(frames, dilation), row = dilation * features;
    double count = (double)(frames * features), sum = 0, squares = 0;
    for (size_t tile = 0; tile < tiles; tile++)
        sum += row_sum(y + (tile * channels + channel) * row,
                       row_length(tile, dilation, frames, features));
    float mean = (float)(sum / count);
    for (size_t tile = 0; tile < tiles; tile++)
        squares += row_squares(y + (tile * channels + channel) * row, mean,
                               row_length(tile, dilation, frames, features));
    /* The squares are about the rounded mean: take what that adds away again. */
    double rounded = (double)mean - sum / count;
    return (struct spira_moments){
        .count = count, .mean = sum / count, .squares = squares - count * rounded * rounded};
}

void AT_LEVEL(spira_norm_backward)(float *d, const float *y, const struct spira_channel_norm *norm,
                                   const struct spira_norm_gradient *gradient, size_t channel,
                                   size_t channels, size_t dilation, size_t frames, size_t features)
{
    lanes factor = lanes_all(gradient->factor), shift = lanes_all(-gradient->shift);
    lanes slope = lanes_all(-gradient->slope), offset = lanes_all(norm->offset);
    size_t row = dilation * features;
    for (size_t tile = 0; tile < spira_tiles(frames, dilation); tile++) {
        size_t at = (tile * channels + channel) * row;
        size_t length = row_length(tile, dilation, frames, features);
        for (size_t i = 0; i < length; i += LANES) {
            size_t part = part_of(length, i);
            lanes own = lanes_sub(load_some(y + at + i, part), offset);
            lanes rest = lanes_fma(slope, own, shift);
            store_some(d + at + i, lanes_fma(factor, load_some(d + at + i, part), rest), part);
        }
        memset(d + at + length, 0, (row - length) * sizeof *d);
    }
}

/* ---- Adam ---- */

/* The shares of the new are written out: in float, 1 - 0.999f is 5e-5 off 0.001f. */
void AT_LEVEL(spira_adam_values)(float *values, const float *gradients, float *first, float *second,
                                 size_t count, const struct spira_adam_factors *factors)
{
    lanes rate = lanes_all(-factors->rate), scale = lanes_all(factors->second_scale);
    lanes decay = lanes_all(factors->weight_decay);
    for (size_t i = 0; i < count; i += LANES) {
        size_t part = part_of(count, i);
        lanes value = load_some(values + i, part);
        lanes gradient = lanes_fma(decay, value, load_some(gradients + i, part));
        lanes mean = lanes_mul(lanes_all(0.9f), load_some(first + i, part));
        mean = lanes_fma(lanes_all(0.1f), gradient, mean);
        lanes square = lanes_mul(lanes_all(0.999f), load_some(second + i, part));
        square = lanes_fma(lanes_all(0.001f), lanes_mul(gradient, gradient), square);
        lanes root = lanes_fma(lanes_sqrt(square), scale, lanes_all(1e-8f));
        store_some(first + i, mean, part);
        store_some(second + i, square, part);
        store_some(values + i, lanes_fma(rate, lanes_div(mean, root), value), part);
    }
}
