#include "core/model/norm.h"

#include <math.h>
#include <string.h>

#include "core/model/spiraconv.h"

#define NORM_EPSILON 1e-5

void spira_moments_join(struct spira_moments *into, const struct spira_moments *more)
{
    double count = into->count + more->count;
    double apart = more->mean - into->mean;
    into->mean += apart * more->count / count;
    into->squares += more->squares + apart * apart * into->count * more->count / count;
    into->count = count;
}

double spira_norm_rstd(double variance)
{
    return 1 / sqrt(variance + NORM_EPSILON);
}

/* Partial sums, joined in a fixed order: vectors of any width give the same bits. */
enum { LANES = 16 };

static double join_lanes(const float lane[LANES])
{
    double sum = 0;
    for (size_t l = 0; l < LANES; l++)
        sum += (double)lane[l];
    return sum;
}

static double row_sum(const float *row, size_t count)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += row[i + l];
    for (size_t l = 0; i < count; i++, l++)
        lane[l] += row[i];
    return join_lanes(lane);
}

static double row_squares(const float *row, float mean, size_t count)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += (row[i + l] - mean) * (row[i + l] - mean);
    for (size_t l = 0; i < count; i++, l++)
        lane[l] += (row[i] - mean) * (row[i] - mean);
    return join_lanes(lane);
}

/* Floats of a tile's row that are time steps. */
static size_t row_length(size_t tile, size_t dilation, size_t frames, size_t features)
{
    size_t left = frames - tile * dilation;
    return (left < dilation ? left : dilation) * features;
}

struct spira_moments spira_channel_moments(const float *y, size_t channel, size_t channels,
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

struct spira_norm_gradient spira_norm_gradient(const struct spira_channel_norm *norm, double a,
                                               double b, double m)
{
    double rstd = (double)norm->rstd;
    return (struct spira_norm_gradient){
        .factor = (float)(rstd * (double)norm->gamma),
        .shift = (float)(rstd * a / m),
        .slope = (float)(rstd * rstd * b / m),
    };
}

double spira_norm_bias_gradient(const struct spira_channel_norm *norm,
                                const struct spira_norm_sums *sums,
                                const struct spira_moments *moments, double a, double b, double m)
{
    double rstd = (double)norm->rstd;
    double xhat_sum = moments->count * (moments->mean - (double)norm->offset) * rstd;
    return rstd * ((double)norm->gamma * sums->d - (a * moments->count + b * xhat_sum) / m);
}

void spira_norm_backward(float *d, const float *y, const struct spira_channel_norm *norm,
                         const struct spira_norm_gradient *gradient, size_t channel,
                         size_t channels, size_t dilation, size_t frames, size_t features)
{
    float factor = gradient->factor, shift = gradient->shift, slope = gradient->slope;
    float offset = norm->offset;
    size_t row = dilation * features;
    for (size_t tile = 0; tile < spira_tiles(frames, dilation); tile++) {
        size_t at = (tile * channels + channel) * row;
        size_t length = row_length(tile, dilation, frames, features);
        for (size_t i = at; i < at + length; i++)
            d[i] = factor * d[i] - shift - slope * (y[i] - offset);
        memset(d + at + length, 0, (row - length) * sizeof *d);
    }
}
