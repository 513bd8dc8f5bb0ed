/* The first two convolutions of one window with GroupNorm, in one go: 90 % of SpiraConv's
 * arithmetic. Inside of core/model/.
 *
 * Nothing of the first convolution is stored but what dropout keeps: its GroupNorm statistics come
 * from sums of products of the input with itself, one for each distance of two taps, and the norm
 * is folded into the weights. What it keeps goes to the second convolution value by value, each
 * into the 16 outputs of its 5 taps. Backward the same values are visited once more, for the
 * gradients of the second convolution and of the first.
 *
 * Positions: a pair is two time steps after pooling, so `row` = 2 * features values of a channel:
 * position j of pair P is time step 2P + j / features, feature j % features. */
#ifndef SPIRA_CORE_MODEL_KERNEL_FRONT_H
#define SPIRA_CORE_MODEL_KERNEL_FRONT_H

#include "core/model/dropout.h"
#include "core/model/norm.h"
#include "core/model/parameters.h"

enum {
    SPIRA_FRONT_CHANNELS = 32, /* of the first convolution */
    SPIRA_FRONT_OUTPUTS = 16,  /* of the second */
    SPIRA_FRONT_TAPS = 7,
    SPIRA_FRONT_REACH = 4 /* a pair of the input reaches this many tiles of the output back */
};

/* Sums over the input that the statistics and gradients of the first convolution need: of what tap
 * k meets, and of what taps j and k meet at the same time. */
struct spira_lag_sums {
    double x[SPIRA_FRONT_TAPS];
    double xx[SPIRA_FRONT_TAPS][SPIRA_FRONT_TAPS];
};

/* What a window keeps from the forward pass for the backward pass. Lists have the kept values of
 * the first layer, position by position and channel by channel; pair P's begin at first[P]. */
struct spira_front_kept {
    float *value, *slope; /* mish * scale and mish' * scale, of the larger of the two time steps */
    uint32_t *channels;   /* (pairs, row): which channels are kept at a position */
    uint16_t *second;     /* (pairs, row * 2): of 16 values of a pair, which come from the second
                             of the two time steps */
    size_t *first;        /* (pairs + 1) */
    float *y;             /* tiles of the second convolution */
    uint16_t *second_after; /* (kept, features): the same of the second layer, bit by channel */
    uint16_t *kept_after;   /* and what dropout keeps of it */
    struct spira_lag_sums *lags;
};

/* Memory of a thread. */
struct spira_front_scratch {
    float *first, *last; /* (row * channels) what pooling chooses from */
    float *values;       /* (row, channels) */
    uint32_t *positions; /* (row / 32, channels): at which positions a channel is kept */
    float *partial;      /* (row * channels, 8): sums in the making, */
    uint32_t *places;    /* (row * channels): and where they belong */
    float *spread;       /* (2, row, channels) */
    float *pooled;       /* (kept, features, outputs) gradients of the second layer */
    float *dy;           /* tiles */
    float *weights;      /* (channels, 5, outputs) gradients */
};

/* One window. The caller sets all; sums and gradients are filled. */
struct spira_front {
    size_t features;
    struct spira_conv_frames frames[2];
    const struct spira_conv_parameters *parameters; /* of both convolutions */
    const float *weights; /* of the second: (channels, 5, outputs), spira_front_pack */
    const float *x;       /* the window */
    bool training;        /* else nothing is dropped, and of what is kept only y is used */
    struct spira_mask masks[2];
    struct spira_front_kept kept;
    struct spira_front_scratch scratch;
    struct spira_moments (*moments)[SPIRA_MAX_CHANNELS]; /* of both */
    struct spira_channel_norm (*norms)[SPIRA_MAX_CHANNELS];
    float *out;         /* forward: the tiles of the third convolution's input */
    const float *d_out; /* backward: its gradient */
    /* Backward adds to these: as the parameters lie, weights as spira_conv_pack has them. */
    struct {
        float *packed, *bias, *gamma, *beta;
    } gradients[2];
};

/* Whether the kernels cover windows of so many features: whole vectors make a pair. */
bool spira_front_covers(size_t features);

/* How many floats' room the kept lists and the scratch of windows of these frames take. */
size_t spira_front_kept_size(const struct spira_conv_frames *frames, size_t features,
                             bool training);
size_t spira_front_scratch_size(const struct spira_conv_frames *frames, size_t features,
                                bool training);

/* Places them in memory of that size, on a cache line. */
struct spira_front_kept spira_front_place_kept(const struct spira_conv_frames *frames,
                                               size_t features, bool training, float *memory);
struct spira_front_scratch spira_front_place_scratch(const struct spira_conv_frames *frames,
                                                     size_t features, bool training, float *memory);

/* The second convolution's weights (out, in, kernel) as (in, kernel, out). */
void spira_front_pack(const float *weights, float *ret_packed);

/* Floats from one tile to the next: a little more than a tile, so that tiles do not meet in the
 * same places of a cache. */
size_t spira_front_tile(size_t features);

#endif
