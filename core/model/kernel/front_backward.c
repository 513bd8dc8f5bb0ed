/* front.h, backward. Built once for each level. */
#include "core/model/conv_norms.h"
#include "core/model/kernel/front_shared.h"

enum {
    SUMS = TAPS + 1, /* of the first layer, for each channel: sum d x of each tap, and sum d */
    SUMS_AT_ONCE = 4,
};

/* ---- the second layer ---- */

/* d = dL/dn of the larger of each two time steps, into scratch.pooled; its sums by output. */
static void second_activation(const struct spira_front *front, const struct second_norm *norm,
                              struct spira_norm_sums *ret_sums)
{
    size_t features = front->features, tile = spira_front_tile(features);
    lanes scale = lanes_all(front->masks[1].scale);
    float *gradients = front->scratch.spread; /* (features, outputs) of d_out */
    for (size_t c = 0; c < OUTPUTS; c++)
        ret_sums[c] = (struct spira_norm_sums){0};
    for (size_t t = 0; t < front->frames[1].kept; t++) {
        transpose(front->d_out + spira_tiled_at(t, 0, 2, OUTPUTS, features), 2 * features,
                  gradients, OUTPUTS, OUTPUTS, features);
        const float *y = front->kept.y + (t + REACH) * tile;
        float *d = front->scratch.pooled + t * features * OUTPUTS;
        lanes sum_d = lanes_all(0), sum_dx = lanes_all(0);
        for (size_t f = 0; f < features; f++) {
            lane_bits wins = front->kept.second_after[t * features + f];
            lanes own = lanes_choose(wins, lanes_load(y + (features + f) * OUTPUTS),
                                     lanes_load(y + f * OUTPUTS));
            lanes gradient = lanes_mul(lanes_load(gradients + f * OUTPUTS), scale);
            gradient = lanes_keep(front->kept.kept_after[t * features + f],
                                  lanes_mul(gradient, mish_slope(second_activated(norm, own))));
            lanes_store(d + f * OUTPUTS, gradient);
            sum_d = lanes_add(sum_d, gradient);
            sum_dx = lanes_fma(gradient, lanes_sub(own, norm->offset), sum_dx);
        }
        float of_d[LANES], of_dx[LANES];
        lanes_store(of_d, sum_d);
        lanes_store(of_dx, sum_dx);
        for (size_t c = 0; c < OUTPUTS; c++) {
            ret_sums[c].d += (double)of_d[c];
            ret_sums[c].dx += (double)of_dx[c] * (double)front->norms[1][c].rstd;
        }
    }
}

/* spira_norm_gradient of each output, on lanes: dy = factor d + shift + slope (y - offset). */
struct second_gradient {
    lanes factor, shift, slope, offset;
};

INLINE lanes second_rest(const struct second_gradient *gradient, const float *y)
{
    return lanes_fma(gradient->slope, lanes_sub(lanes_load(y), gradient->offset), gradient->shift);
}

/* dy of the second convolution, into the tiles of scratch.dy, zeros around them. */
static void second_norm_backward(const struct spira_front *front,
                                 const struct second_gradient *gradient)
{
    size_t features = front->features, tile = spira_front_tile(features);
    size_t out = front->frames[1].out, kept = front->frames[1].kept;
    size_t tiles = spira_tiles(out, 2), half_tile = features * OUTPUTS;
    float *dy = front->scratch.dy;
    memset(dy, 0, REACH * tile * sizeof *dy);
    memset(dy + (tiles + REACH) * tile, 0, REACH * tile * sizeof *dy);
    for (size_t t = 0; t < tiles; t++) {
        const float *y = front->kept.y + (t + REACH) * tile;
        float *to = dy + (t + REACH) * tile;
        const float *d = front->scratch.pooled + t * half_tile;
        const uint16_t *wins = front->kept.second_after + t * features;
        for (size_t i = 0; i < half_tile; i += OUTPUTS) {
            lanes first = second_rest(gradient, y + i), second = lanes_all(0);
            if (t < kept) {
                lanes own = lanes_mul(gradient->factor, lanes_load(d + i));
                lane_bits bits = wins[i / OUTPUTS];
                first = lanes_add(first, lanes_keep(~bits, own));
                second = lanes_add(second_rest(gradient, y + half_tile + i), lanes_keep(bits, own));
            }
            lanes_store(to + i, first);
            lanes_store(to + half_tile + i, second);
        }
    }
}

/* Of the norm: the gradients of bias, gamma and beta, and what each output's d is made dy with. */
static void norm_gradients(const struct spira_front *front, size_t conv,
                           const struct spira_norm_sums *sums,
                           struct spira_norm_gradient *ret_gradients)
{
    const struct spira_channel_norm *norms = front->norms[conv];
    struct spira_norm_totals totals[SPIRA_MAX_CHANNELS];
    spira_group_totals(&spira_convs[conv], norms, sums, front->moments[conv], totals);
    for (size_t c = 0; c < spira_convs[conv].out; c++) {
        const struct spira_norm_totals *total = &totals[c];
        ret_gradients[c] = spira_norm_gradient(&norms[c], total->d, total->dx, total->count);
        front->gradients[conv].bias[c] += (float)spira_norm_bias_gradient(
            &norms[c], &sums[c], &front->moments[conv][c], total->d, total->dx, total->count);
        front->gradients[conv].gamma[c] += (float)sums[c].dx;
        front->gradients[conv].beta[c] += (float)sums[c].d;
    }
}

static void second_layer_backward(const struct spira_front *front)
{
    const struct second_norm norm = second_norm_of(front->norms[1]);
    struct spira_norm_sums sums[OUTPUTS];
    second_activation(front, &norm, sums);
    struct spira_norm_gradient gradients[OUTPUTS] = {{0}};
    norm_gradients(front, 1, sums, gradients);
    float factor[LANES], shift[LANES], slope[LANES];
    for (size_t c = 0; c < OUTPUTS; c++) {
        factor[c] = gradients[c].factor;
        shift[c] = -gradients[c].shift;
        slope[c] = -gradients[c].slope;
    }
    const struct second_gradient gradient = {lanes_load(factor), lanes_load(shift),
                                             lanes_load(slope), norm.offset};
    second_norm_backward(front, &gradient);
}

/* ---- the second convolution ---- */

/* a[i] bit j and a[j] bit i change places (Warren, Hacker's Delight, 7-3). */
static void transpose_bits(uint32_t a[32])
{
    uint32_t low = 0xFFFF;
    for (size_t width = 16; width; width /= 2, low ^= low << width)
        for (size_t i = 0; i < 32; i += 2 * width)
            for (size_t k = i; k < i + width; k++) {
                uint32_t apart = (a[k] >> width ^ a[k + width]) & low;
                a[k] ^= apart << width;
                a[k + width] ^= apart;
            }
}

/* A pair's values back in their places, scratch.values (positions, channels); and for each 32
 * positions at which of them a channel is kept, scratch.positions (blocks, channels). */
static void unlist(const struct spira_front *front, size_t pair)
{
    size_t positions = 2 * front->features;
    const float *value = front->kept.value + front->kept.first[pair];
    const uint32_t *channels = front->kept.channels + pair * positions;
    float *values = front->scratch.values;
    for (size_t j = 0; j < positions; j++, values += CHANNELS)
        UNROLL
    for (size_t v = 0; v < VECTORS; v++) {
        lane_bits kept = channels[j] >> (v * LANES) & 0xFFFF;
        lanes_store(values + v * LANES, lanes_load_picked(value, kept));
        value += __builtin_popcount(kept);
    }
    uint32_t *block = front->scratch.positions;
    for (size_t j = 0; j < positions; j += 32, block += CHANNELS) {
        size_t count = positions - j < 32 ? positions - j : 32;
        memcpy(block, channels + j, count * sizeof *block);
        memset(block + count, 0, (32 - count) * sizeof *block);
        transpose_bits(block);
    }
}

/* Visits those of 32 positions from j on of one channel: their part in the gradients of its
 * weights, which stay in registers meanwhile; and what dy gives each of them, as HALF floats to be
 * summed, with its place in (positions, channels). Returns how many were visited so far. */
INLINE size_t visit(const struct spira_front *front, size_t channel, size_t j, uint32_t left,
                    const float *dy, size_t count)
{
    size_t tile = spira_front_tile(front->features), at = channel * OUT_TAPS * OUTPUTS;
    float *gradients = front->scratch.weights + at, *partial = front->scratch.partial;
    uint32_t *places = front->scratch.places;
    const float *values = front->scratch.values + channel;
    lanes weight[OUT_TAPS], gradient[OUT_TAPS], d[OUT_TAPS];
    UNROLL
    for (size_t k = 0; k < OUT_TAPS; k++) {
        weight[k] = lanes_load(front->weights + at + k * OUTPUTS);
        gradient[k] = lanes_load(gradients + k * OUTPUTS);
    }
    for (; left; left &= left - 1) {
        size_t position = j + (size_t)__builtin_ctz(left);
        lanes x = lanes_all(values[position * CHANNELS]);
        UNROLL
        for (size_t k = 0; k < OUT_TAPS; k++)
            d[k] = lanes_load(dy + position * OUTPUTS - k * tile);
        lanes sum = lanes_mul(d[0], weight[0]);
        UNROLL
        for (size_t k = 1; k < OUT_TAPS; k++)
            sum = lanes_fma(d[k], weight[k], sum);
        UNROLL
        for (size_t k = 0; k < OUT_TAPS; k++)
            gradient[k] = lanes_fma(x, d[k], gradient[k]);
        half_store(partial + count * HALF, lanes_folded(sum));
        places[count++] = (uint32_t)(position * CHANNELS + channel);
    }
    UNROLL
    for (size_t k = 0; k < OUT_TAPS; k++)
        lanes_store(gradients + k * OUTPUTS, gradient[k]);
    return count;
}

/* Visits a pair's values once more; returns their number. */
static size_t visit_pair(const struct spira_front *front, size_t pair)
{
    size_t positions = 2 * front->features, count = 0;
    const float *dy = front->scratch.dy + (pair + REACH) * spira_front_tile(front->features);
    const uint32_t *left = front->scratch.positions;
    for (size_t j = 0; j < positions; j += 32)
        for (size_t channel = 0; channel < CHANNELS; channel++)
            count = visit(front, channel, j, *left++, dy, count);
    return count;
}

/* Eight sums of eight. */
INLINE half sum_rows(const float *rows)
{
    half r[HALF];
    UNROLL
    for (size_t i = 0; i < HALF; i++)
        r[i] = half_load(rows + i * HALF);
    UNROLL
    for (size_t i = 0; i < HALF; i += 2)
        r[i] = INTERLEAVED_LOW(r[i], r[i + 1]) + INTERLEAVED_HIGH(r[i], r[i + 1]);
    UNROLL
    for (size_t i = 0; i < HALF; i += 4)
        r[i] = PAIRED_LOW(r[i], r[i + 2]) + PAIRED_HIGH(r[i], r[i + 2]);
    return LOWER(r[0], r[4]) + UPPER(r[0], r[4]);
}

/* The sums, in their places: scratch.values. */
static void sum_pair(const struct spira_front *front, size_t count)
{
    const float *partial = front->scratch.partial;
    const uint32_t *places = front->scratch.places;
    float *values = front->scratch.values;
    size_t i = 0;
    for (; i + HALF <= count; i += HALF) {
        half sums = sum_rows(partial + i * HALF);
        UNROLL
        for (size_t k = 0; k < HALF; k++)
            values[places[i + k]] = sums[k];
    }
    half sums = sum_rows(partial + i * HALF);
    for (size_t k = 0; i + k < count; k++)
        values[places[i + k]] = sums[k];
}

/* ---- the first convolution ---- */

/* Times the slopes, the gradients of what pooling chose from: of the first time step of each two
 * and of the second, 0 in the one that was not chosen: scratch.spread (2, positions, channels). */
static void deactivate_pair(const struct spira_front *front, size_t pair)
{
    size_t positions = 2 * front->features, at = 0;
    const uint32_t *channels = front->kept.channels + pair * positions;
    const float *slope = front->kept.slope + front->kept.first[pair];
    const uint16_t *second = front->kept.second + pair * 4 * front->features;
    const float *values = front->scratch.values;
    float *of_first = front->scratch.spread, *of_last = of_first + positions * CHANNELS;
    for (size_t i = 0; i < positions * CHANNELS; i += LANES) {
        lane_bits kept = channels[i / CHANNELS] >> i % CHANNELS & 0xFFFF;
        lanes d = lanes_mul(lanes_load(values + i), lanes_load_picked(slope + at, kept));
        uint32_t next; /* bits of the list, from this place on */
        memcpy(&next, (const char *)second + at / 8, sizeof next);
        lane_bits wins = bits_placed(next >> at % 8, kept);
        lanes_store(of_first + i, lanes_keep(kept & ~wins, d));
        lanes_store(of_last + i, lanes_keep(wins, d));
        at += (size_t)__builtin_popcount(kept);
    }
}

/* What a pair adds to SUMS_AT_ONCE of the sums of LANES channels: d of each tap, or, after the last
 * tap, d itself. */
INLINE void add_first_sums(const struct spira_front *front, size_t pair, size_t positions,
                           size_t vector, size_t from, double sums[SUMS][CHANNELS])
{
    size_t features = front->features, j = 0;
    const float *of_first = front->scratch.spread + vector * LANES;
    const float *of_last = of_first + 2 * features * CHANNELS;
    lanes sum[SUMS_AT_ONCE];
    UNROLL
    for (size_t k = 0; k < SUMS_AT_ONCE; k++)
        sum[k] = lanes_all(0);
    for (size_t t = 2 * pair; j < positions; t++)
        for (size_t f = 0; f < features; f++, j++) {
            const float *at = front->x + 2 * t * features + f;
            lanes a = lanes_load(of_first + j * CHANNELS), b = lanes_load(of_last + j * CHANNELS);
            UNROLL
            for (size_t k = 0; k < SUMS_AT_ONCE; k++)
                if (from + k == TAPS) {
                    sum[k] = lanes_add(lanes_add(sum[k], a), b);
                } else {
                    const float *tap = at + 2 * (from + k) * features;
                    sum[k] = lanes_fma(a, lanes_all(tap[0]), sum[k]);
                    sum[k] = lanes_fma(b, lanes_all(tap[features]), sum[k]);
                }
        }
    UNROLL
    for (size_t k = 0; k < SUMS_AT_ONCE; k++) {
        float of_lanes[LANES];
        lanes_store(of_lanes, sum[k]);
        for (size_t i = 0; i < LANES; i++)
            sums[from + k][vector * LANES + i] += (double)of_lanes[i];
    }
}

/* The gradients of the first convolution from its sums: dy = factor d - shift - slope (y - offset),
 * and the sums of x and of y x over a window are known from the forward pass. */
static void first_gradients(const struct spira_front *front, double sums[SUMS][CHANNELS])
{
    const float *weights = front->parameters[0].weight.value;
    const struct spira_lag_sums *lags = front->kept.lags;
    struct spira_norm_sums norm_sums[CHANNELS];
    for (size_t c = 0; c < CHANNELS; c++) {
        const struct spira_channel_norm *norm = &front->norms[0][c];
        double dx = -(double)norm->offset * sums[TAPS][c];
        for (size_t k = 0; k < TAPS; k++)
            dx += (double)weights[c * TAPS + k] * sums[k][c];
        norm_sums[c] = (struct spira_norm_sums){.d = sums[TAPS][c], .dx = dx * (double)norm->rstd};
    }
    struct spira_norm_gradient gradients[CHANNELS] = {{0}};
    norm_gradients(front, 0, norm_sums, gradients);
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t k = 0; k < TAPS; k++) {
            const struct spira_norm_gradient *gradient = &gradients[c];
            double yx = -(double)front->norms[0][c].offset * lags->x[k];
            for (size_t j = 0; j < TAPS; j++)
                yx += (double)weights[c * TAPS + j] * lags->xx[j][k];
            front->gradients[0].packed[c * TAPS + k] +=
                (float)((double)gradient->factor * sums[k][c] -
                        (double)gradient->shift * lags->x[k] - (double)gradient->slope * yx);
        }
}

/* (in, tap, out) to (out, tap, in), adding. */
static void add_second_gradients(const struct spira_front *front)
{
    float *packed = front->gradients[1].packed;
    for (size_t co = 0; co < OUTPUTS; co++)
        for (size_t k = 0; k < OUT_TAPS; k++)
            for (size_t ci = 0; ci < CHANNELS; ci++)
                packed[(co * OUT_TAPS + k) * CHANNELS + ci] +=
                    front->scratch.weights[(ci * OUT_TAPS + k) * OUTPUTS + co];
}

void AT_LEVEL(spira_front_backward)(struct spira_front *front)
{
    size_t pairs = spira_tiles(front->frames[0].kept, 2), features = front->features;
    second_layer_backward(front);
    memset(front->scratch.weights, 0,
           CHANNELS * OUT_TAPS * OUTPUTS * sizeof *front->scratch.weights);
    double sums[SUMS][CHANNELS] = {0};
    for (size_t pair = 0; pair < pairs; pair++) {
        unlist(front, pair);
        sum_pair(front, visit_pair(front, pair));
        deactivate_pair(front, pair);
        size_t left = front->frames[0].kept - 2 * pair;
        size_t positions = (left < 2 ? left : 2) * features;
        for (size_t v = 0; v < VECTORS; v++) {
            add_first_sums(front, pair, positions, v, 0, sums);
            add_first_sums(front, pair, positions, v, SUMS_AT_ONCE, sums);
        }
    }
    add_second_gradients(front);
    first_gradients(front, sums);
}
