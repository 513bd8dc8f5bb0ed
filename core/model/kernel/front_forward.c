/* front.h, forward. Built once for each level. */
#include "core/model/conv_norms.h"
#include "core/model/kernel/front_lags.h"
#include "core/model/kernel/front_shared.h"

/* The first layer of this window: norm folded into the weights, tap by tap. */
struct first_layer {
    float weights[TAPS][CHANNELS], constant[CHANNELS];
};

/* y(c) = sum over k of w(c,k) x(t + 2k): its sums over a window follow from the lags. */
static void first_moments(const float *weights, const struct spira_lag_sums *lags, double count,
                          struct spira_moments *ret_moments)
{
    for (size_t c = 0; c < CHANNELS; c++) {
        const float *w = weights + c * TAPS;
        double sum = 0, squares = 0;
        for (size_t k = 0; k < TAPS; k++) {
            sum += (double)w[k] * lags->x[k];
            for (size_t j = 0; j < TAPS; j++)
                squares += (double)w[k] * (double)w[j] * lags->xx[k][j];
        }
        squares -= sum * sum / count;
        ret_moments[c] = (struct spira_moments){
            .count = count, .mean = sum / count, .squares = squares > 0 ? squares : 0};
    }
}

static void fold(const float *weights, const struct spira_channel_norm *norms,
                 struct first_layer *ret_layer)
{
    for (size_t c = 0; c < CHANNELS; c++) {
        double scale = (double)norms[c].gamma * (double)norms[c].rstd;
        for (size_t k = 0; k < TAPS; k++)
            ret_layer->weights[k][c] = (float)(scale * (double)weights[c * TAPS + k]);
        ret_layer->constant[c] = (float)((double)norms[c].beta - scale * (double)norms[c].offset);
    }
}

static void begin_first_layer(struct spira_front *front, struct first_layer *ret_layer)
{
    const struct spira_conv_frames *frames = &front->frames[0];
    struct spira_lag_sums own, *lags = front->training ? front->kept.lags : &own;
    lag_sums(front->x, frames, front->features, lags);
    const float *weights = front->parameters[0].weight.value;
    first_moments(weights, lags, (double)(frames->out * front->features), front->moments[0]);
    spira_group_norms(&spira_convs[0], &front->parameters[0], front->moments[0], front->norms[0]);
    fold(weights, front->norms[0], ret_layer);
}

/* Positions of a pair: of the last one, when the time steps are odd, half. */
INLINE size_t pair_positions(const struct spira_front *front, size_t pair)
{
    size_t left = front->frames[0].kept - 2 * pair;
    return (left < 2 ? left : 2) * front->features;
}

/* The two values that pooling chooses from, of LANES channels at one position. at: the input row of
 * the first tap, at the feature. */
INLINE void first_values(const struct first_layer *layer, size_t vector, const float *at,
                         size_t features, lanes *ret_first, lanes *ret_second)
{
    lanes first = lanes_load(layer->constant + vector * LANES), second = first;
    UNROLL
    for (size_t k = 0; k < TAPS; k++) {
        lanes weight = lanes_load(layer->weights[k] + vector * LANES);
        first = lanes_fma(weight, lanes_all(at[2 * k * features]), first);
        second = lanes_fma(weight, lanes_all(at[(2 * k + 1) * features]), second);
    }
    *ret_first = first;
    *ret_second = second;
}

/* The kept values of a pair before pooling, side by side, and which channels are kept at each
 * position. Returns how many there are. */
static size_t list_pair(const struct spira_front *front, const struct first_layer *layer,
                        size_t pair, lane_ints spread)
{
    size_t features = front->features, count = 0, j = 0;
    size_t positions = pair_positions(front, pair);
    const struct spira_mask mask = front->masks[0];
    const struct first_layer own = *layer;
    float *first = front->scratch.first, *last = front->scratch.last;
    uint32_t *channels = front->kept.channels + pair * 2 * features;
    for (size_t t = 2 * pair; j < positions; t++)
        for (size_t f = 0; f < features; f++, j++) {
            const float *at = front->x + 2 * t * features + f;
            channels[j] = 0;
            UNROLL
            for (size_t v = 0; v < VECTORS; v++) {
                lanes a, b;
                first_values(&own, v, at, features, &a, &b);
                uint32_t element = (uint32_t)((t * CHANNELS + v * LANES) * features + f);
                lane_bits kept = mask_lanes(&mask, spread, element);
                lanes_store_picked(first + count, kept, a);
                lanes_store_picked(last + count, kept, b);
                count += (size_t)__builtin_popcount(kept);
                channels[j] |= kept << (v * LANES);
            }
        }
    for (; j < 2 * features; j++)
        channels[j] = 0;
    return count;
}

/* What pooling chooses from at one position and channel, in double; whether the second is larger.
 */
static bool second_is_larger(const struct spira_front *front, size_t pair, size_t position,
                             size_t channel)
{
    size_t features = front->features;
    const float *weights = front->parameters[0].weight.value + channel * TAPS;
    const struct spira_channel_norm *norm = &front->norms[0][channel];
    size_t t = 2 * pair + position / features;
    const float *at = front->x + 2 * t * features + position % features;
    double value[2];
    for (size_t part = 0; part < 2; part++, at += features) {
        double y = 0;
        for (size_t k = 0; k < TAPS; k++)
            y += (double)weights[k] * (double)at[2 * k * features];
        value[part] =
            mish_exact((y - (double)norm->offset) * (double)norm->rstd * (double)norm->gamma +
                       (double)norm->beta);
    }
    return value[1] > value[0];
}

/* The same for those of a pair's values from first on whose bits are set: few. */
static __attribute__((noinline)) lane_bits settle(const struct spira_front *front, size_t pair,
                                                  size_t first, lane_bits wins, lane_bits close)
{
    const uint32_t *channels = front->kept.channels + pair * 2 * front->features;
    for (; close; close &= close - 1) {
        unsigned lane = (unsigned)__builtin_ctz(close);
        size_t left = first + lane, j = 0;
        for (; left >= (size_t)__builtin_popcount(channels[j]); j++)
            left -= (size_t)__builtin_popcount(channels[j]);
        uint32_t at = channels[j];
        for (; left > 0; left--)
            at &= at - 1;
        bool larger = second_is_larger(front, pair, j, (size_t)__builtin_ctz(at));
        wins = (wins & ~(1u << lane)) | (lane_bits)larger << lane;
    }
    return wins;
}

/* Mish, pooling and dropout's scale of the listed values; and the slopes of what pooling chose. */
static void activate_list(const struct spira_front *front, size_t pair, size_t count)
{
    size_t begin = front->kept.first[pair];
    float *value = front->kept.value + begin, *slope = front->kept.slope + begin;
    uint16_t *second = front->kept.second + pair * 4 * front->features;
    const float *first = front->scratch.first, *last = front->scratch.last;
    lanes scale = lanes_all(front->masks[0].scale);
    for (size_t i = 0; i < count; i += LANES) {
        struct mish a = mish_of(lanes_load(first + i)), b = mish_of(lanes_load(last + i));
        lanes a_value = mish_value(a), b_value = mish_value(b);
        lane_bits wins = lanes_greater(b_value, a_value);
        lane_bits close =
            mish_close(a_value, b_value) & (count - i < LANES ? (1u << (count - i)) - 1 : 0xFFFF);
        if (__builtin_expect(close != 0, 0))
            wins = settle(front, pair, i, wins, close);
        second[i / LANES] = (uint16_t)wins;
        lanes_store(value + i, lanes_mul(lanes_choose(wins, b_value, a_value), scale));
        lanes_store(slope + i, lanes_mul(mish_slope(mish_choose(wins, b, a)), scale));
    }
}

/* Adds what a pair's values give to the tiles pair - k of the second convolution. */
static void convolve_list(const struct spira_front *front, size_t pair)
{
    size_t tile = spira_front_tile(front->features), positions = 2 * front->features;
    const float *value = front->kept.value + front->kept.first[pair];
    const uint32_t *channels = front->kept.channels + pair * positions;
    const float *weights = front->weights;
    float *y = front->kept.y + (pair + REACH) * tile;
    for (size_t j = 0; j < positions; j++, y += OUTPUTS) {
        lanes sum[OUT_TAPS] = {lanes_all(0)}; /* nothing reached this tile before */
        UNROLL
        for (size_t k = 1; k < OUT_TAPS; k++)
            sum[k] = lanes_load(y - k * tile);
        for (uint32_t left = channels[j]; left; left &= left - 1) {
            const float *w = weights + (size_t)__builtin_ctz(left) * OUT_TAPS * OUTPUTS;
            lanes x = lanes_all(*value++);
            UNROLL
            for (size_t k = 0; k < OUT_TAPS; k++)
                sum[k] = lanes_fma(x, lanes_load(w + k * OUTPUTS), sum[k]);
        }
        UNROLL
        for (size_t k = 0; k < OUT_TAPS; k++)
            lanes_store(y - k * tile, sum[k]);
    }
}

/* ---- without dropout: all values of a pair ---- */

/* The first layer's values (row, channels) of a pair; zeros where it is not full. */
static void dense_pair(const struct spira_front *front, const struct first_layer *layer,
                       size_t pair)
{
    size_t features = front->features, positions = pair_positions(front, pair), j = 0;
    const struct first_layer own = *layer;
    float *values = front->scratch.spread;
    for (size_t t = 2 * pair; j < positions; t++)
        for (size_t f = 0; f < features; f++, j++)
            UNROLL
    for (size_t v = 0; v < VECTORS; v++) {
        lanes a, b;
        first_values(&own, v, front->x + 2 * t * features + f, features, &a, &b);
        a = mish_value(mish_of(a));
        b = mish_value(mish_of(b));
        lanes_store(values + j * CHANNELS + v * LANES, lanes_choose(lanes_greater(b, a), b, a));
    }
    memset(values + j * CHANNELS, 0, (2 * features - j) * CHANNELS * sizeof *values);
}

#ifdef SPIRA_LEVEL_AVX512
enum { AT_ONCE = 16 };
#else
enum { AT_ONCE = 4 };
#endif

/* Adds what they give through one tap to one tile. */
INLINE void convolve_tap(const float *values, const float *weights, size_t positions, float *y)
{
    for (size_t j = 0; j < positions; j += AT_ONCE, y += AT_ONCE * OUTPUTS) {
        lanes sum[AT_ONCE];
        UNROLL
        for (size_t q = 0; q < AT_ONCE; q++)
            sum[q] = lanes_load(y + q * OUTPUTS);
        for (size_t c = 0; c < CHANNELS; c++) {
            lanes w = lanes_load(weights + c * OUT_TAPS * OUTPUTS);
            UNROLL
            for (size_t q = 0; q < AT_ONCE; q++)
                sum[q] = lanes_fma(lanes_all(values[(j + q) * CHANNELS + c]), w, sum[q]);
        }
        UNROLL
        for (size_t q = 0; q < AT_ONCE; q++)
            lanes_store(y + q * OUTPUTS, sum[q]);
    }
}

static void convolve_dense(const struct spira_front *front, size_t pair, size_t tiles)
{
    size_t tile = spira_front_tile(front->features);
    for (size_t k = 0; k < OUT_TAPS && k <= pair; k++)
        if (pair - k < tiles)
            convolve_tap(front->scratch.spread, front->weights + k * OUTPUTS, 2 * front->features,
                         front->kept.y + (pair - k + REACH) * tile);
}

/* ---- the second layer ---- */

/* Sums of a finished tile, by output. */
static void add_tile_sums(const float *y, size_t positions, double sums[OUTPUTS],
                          double squares[OUTPUTS])
{
    lanes sum = lanes_all(0), square = lanes_all(0);
    for (size_t j = 0; j < positions; j++) {
        lanes value = lanes_load(y + j * OUTPUTS);
        sum = lanes_add(sum, value);
        square = lanes_fma(value, value, square);
    }
    float of_sum[LANES], of_square[LANES];
    lanes_store(of_sum, sum);
    lanes_store(of_square, square);
    for (size_t c = 0; c < OUTPUTS; c++) {
        sums[c] += (double)of_sum[c];
        squares[c] += (double)of_square[c];
    }
}

static void second_moments(double count, const double sums[OUTPUTS], const double squares[OUTPUTS],
                           struct spira_moments *ret_moments)
{
    for (size_t c = 0; c < OUTPUTS; c++) {
        double about = squares[c] - sums[c] * sums[c] / count;
        ret_moments[c] = (struct spira_moments){
            .count = count, .mean = sums[c] / count, .squares = about > 0 ? about : 0};
    }
}

/* Norm, Mish, pooling and dropout of the second layer at one pooled time step, into (features,
 * outputs). */
static void second_values(const struct spira_front *front, const struct second_norm *norm, size_t t,
                          lane_ints spread, float *ret_values)
{
    size_t features = front->features;
    const float *y = front->kept.y + (t + REACH) * spira_front_tile(features);
    uint16_t *wins_at = front->kept.second_after + t * features;
    uint16_t *kept_at = front->kept.kept_after + t * features;
    const struct spira_mask mask = front->masks[1];
    lanes scale = lanes_all(mask.scale);
    for (size_t f = 0; f < features; f++) {
        struct mish a = second_activated(norm, lanes_load(y + f * OUTPUTS));
        struct mish b = second_activated(norm, lanes_load(y + (features + f) * OUTPUTS));
        lanes a_value = mish_value(a), b_value = mish_value(b);
        lanes value = lanes_choose(lanes_greater(b_value, a_value), b_value, a_value);
        if (front->training) {
            uint32_t element = (uint32_t)(t * OUTPUTS * features + f);
            lane_bits kept = mask_lanes(&mask, spread, element);
            wins_at[f] = (uint16_t)mish_larger(a, a_value, b, b_value, kept);
            kept_at[f] = (uint16_t)kept;
            value = lanes_keep(kept, lanes_mul(value, scale));
        }
        lanes_store(ret_values + f * OUTPUTS, value);
    }
}

static void second_layer(struct spira_front *front)
{
    size_t features = front->features, kept = front->frames[1].kept;
    const struct second_norm norm = second_norm_of(front->norms[1]);
    lane_ints spread = mask_spread((uint32_t)features);
    for (size_t t = 0; t < kept; t++) {
        second_values(front, &norm, t, spread, front->scratch.spread);
        transpose(front->scratch.spread, OUTPUTS,
                  front->out + spira_tiled_at(t, 0, 2, OUTPUTS, features), 2 * features, features,
                  OUTPUTS);
    }
    for (size_t c = 0; c < OUTPUTS && kept % 2 != 0; c++)
        memset(front->out + spira_tiled_at(kept, c, 2, OUTPUTS, features), 0,
               features * sizeof *front->out);
}

void AT_LEVEL(spira_front_forward)(struct spira_front *front)
{
    const struct spira_conv_frames *frames = front->frames;
    size_t features = front->features, tile = spira_front_tile(features);
    size_t pairs = spira_tiles(frames[0].kept, 2), tiles = spira_tiles(frames[1].out, 2);
    struct first_layer layer;
    begin_first_layer(front, &layer);
    lane_ints spread = mask_spread((uint32_t)features);
    double sums[OUTPUTS] = {0}, squares[OUTPUTS] = {0};
    float *y = front->kept.y;
    memset(y, 0, REACH * tile * sizeof *y);
    if (front->training)
        front->kept.first[0] = 0;
    for (size_t pair = 0; pair < pairs; pair++) {
        if (front->training) {
            size_t count = list_pair(front, &layer, pair, spread);
            activate_list(front, pair, count);
            front->kept.first[pair + 1] = front->kept.first[pair] + count;
            convolve_list(front, pair);
        } else {
            memset(y + (pair + REACH) * tile, 0, tile * sizeof *y);
            dense_pair(front, &layer, pair);
            convolve_dense(front, pair, tiles);
        }
        if (pair >= REACH) { /* nothing later reaches its tile */
            size_t done = pair - REACH, left = frames[1].out - 2 * done;
            add_tile_sums(y + (done + REACH) * tile, (left < 2 ? left : 2) * features, sums,
                          squares);
        }
    }
    second_moments((double)(frames[1].out * features), sums, squares, front->moments[1]);
    spira_group_norms(&spira_convs[1], &front->parameters[1], front->moments[1], front->norms[1]);
    second_layer(front);
}
