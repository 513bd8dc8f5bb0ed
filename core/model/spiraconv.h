/* The architecture of SpiraConv, which exports write down too, and how its activations lie in
 * memory. The second is inside of core/model/. */
#ifndef SPIRA_CORE_MODEL_SPIRACONV_H
#define SPIRA_CORE_MODEL_SPIRACONV_H

#include <stdbool.h>
#include <stddef.h>

enum { SPIRA_CONVS = 4, SPIRA_MAX_CHANNELS = 32, SPIRA_POOL = 2 };

/* A convolution over time (kernel x 1, no padding) and what follows it: norm, Mish, maximum of
 * SPIRA_POOL time steps where pooled, dropout. */
struct spira_conv {
    size_t in, out; /* channels */
    size_t kernel, dilation;
    size_t groups; /* of GroupNorm */
    bool pooled;
};
extern const struct spira_conv spira_convs[SPIRA_CONVS];

/* Time steps at each point of one convolution. */
struct spira_conv_frames {
    size_t in;
    size_t out;  /* in - dilation * (kernel - 1) */
    size_t kept; /* out, or the whole pairs of it where pooled */
};

/* Fills ret_frames for a window of that many frames; false when it is too short. */
bool spira_conv_frames(size_t frames, struct spira_conv_frames ret_frames[SPIRA_CONVS]);

/* The fewest frames a window may have. */
size_t spira_conv_min_frames(void);

/* Activations lie in tiles of `dilation` time steps: tile (channel, dilation * features), so that
 * the row of a channel holds its time steps one after the other. Then the rows a kernel needs, for
 * all its taps and channels, are one stretch of memory: each tile of the output is one matrix
 * product, and pooling joins the two halves of a row. With dilation 1 this is plain (time, channel,
 * feature). A last tile that is not full is filled with zeros. */
static inline size_t spira_tiles(size_t frames, size_t dilation)
{
    return (frames + dilation - 1) / dilation;
}

/* Floats of that many time steps and channels. */
static inline size_t spira_tiled_size(size_t frames, size_t dilation, size_t channels,
                                      size_t features)
{
    return spira_tiles(frames, dilation) * channels * dilation * features;
}

/* Where the features of (time step, channel) begin. */
static inline size_t spira_tiled_at(size_t time, size_t channel, size_t dilation, size_t channels,
                                    size_t features)
{
    return ((time / dilation * channels + channel) * dilation + time % dilation) * features;
}

/* How what follows a convolution lies: as the next one needs it; after the last, plain. */
static inline size_t spira_dilation_after(size_t conv)
{
    return conv + 1 < SPIRA_CONVS ? spira_convs[conv + 1].dilation : 1;
}

#endif
