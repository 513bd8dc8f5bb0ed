#include "core/features/extractor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/features/dct.h"
#include "core/features/frame_kernel.h"
#include "core/features/mel.h"
#include "core/features/power.h"
#include "core/features/window.h"

static const float LOG_OFFSET = 1e-6f, POWER_FLOOR = 1e-10f, TOP_DB = 80;

struct spira_feature_extractor {
    struct spira_feature_config config;
    size_t bins;
    const struct spira_frame_kernel *kernel;
    float *window; /* (win_length) */
    struct spira_power_plan power;
    struct spira_fourier fourier;
    void *plan;           /* of one whole frame, when power has none */
    struct spira_mel mel; /* unless spectrogram */
    float *dct;           /* (num_mels, num_mfcc) for mfcc */
};

static enum spira_code check(const struct spira_feature_config *config, int rate_hz,
                             struct spira_error *err)
{
    if (config->hop_length < 1 || config->win_length < 1 || config->n_fft < 2)
        return spira_fail(err, SPIRA_EINVALID,
                          "features: n_fft %zu, win_length %zu and hop_length %zu are too small",
                          config->n_fft, config->win_length, config->hop_length);
    if (config->win_length > config->n_fft)
        return spira_fail(err, SPIRA_EINVALID, "features: win_length %zu is above n_fft %zu",
                          config->win_length, config->n_fft);
    if (config->type == SPIRA_SPECTROGRAM)
        return SPIRA_OK;
    double fmax_hz = config->mel_fmax_hz > 0 ? config->mel_fmax_hz : rate_hz / 2;
    if (config->num_mels < 1 || config->mel_fmin_hz < 0 || config->mel_fmin_hz >= fmax_hz)
        return spira_fail(err, SPIRA_EINVALID, "features: %zu mels from %g Hz to %g Hz",
                          config->num_mels, config->mel_fmin_hz, fmax_hz);
    if (config->type == SPIRA_MFCC && (config->num_mfcc < 1 || config->num_mfcc > config->num_mels))
        return spira_fail(err, SPIRA_EINVALID, "features: num_mfcc %zu is not in 1..num_mels %zu",
                          config->num_mfcc, config->num_mels);
    return SPIRA_OK;
}

static enum spira_code make_tables(struct spira_feature_extractor *extractor, int rate_hz,
                                   struct spira_error *err)
{
    const struct spira_feature_config *config = &extractor->config;
    enum spira_code code = spira_big_alloc(&extractor->window, config->win_length, sizeof(float),
                                           "analysis window", err);
    if (code != SPIRA_OK)
        return code;
    spira_window_hann(extractor->window, config->win_length);
    code = spira_power_init(&extractor->power, config->n_fft, extractor->window, config->win_length,
                            err);
    if (code == SPIRA_OK && extractor->power.points == 0)
        code = extractor->fourier.ops->plan(extractor->fourier.self, config->n_fft, 1,
                                            &extractor->plan, err);
    if (code != SPIRA_OK || config->type == SPIRA_SPECTROGRAM)
        return code;
    code = spira_mel_init(&extractor->mel, extractor->bins, config->num_mels, config->mel_fmin_hz,
                          config->mel_fmax_hz, rate_hz, err);
    if (code != SPIRA_OK || config->type == SPIRA_MELSPECTROGRAM)
        return code;
    code = spira_big_alloc(&extractor->dct, config->num_mels * config->num_mfcc, sizeof(float),
                           "cosine transform", err);
    if (code == SPIRA_OK)
        spira_dct_matrix(extractor->dct, config->num_mels, config->num_mfcc);
    return code;
}

enum spira_code spira_feature_extractor_new(const struct spira_feature_config *config, int rate_hz,
                                            struct spira_fourier fourier,
                                            struct spira_feature_extractor **ret_extractor,
                                            struct spira_error *err)
{
    enum spira_code code = check(config, rate_hz, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_feature_extractor_free_at)
    struct spira_feature_extractor *extractor = spira_alloc(1, sizeof *extractor);
    extractor->config = *config;
    extractor->bins = config->n_fft / 2 + 1;
    extractor->fourier = fourier;
    code = spira_frame_kernel_choose(&extractor->kernel, err);
    if (code == SPIRA_OK)
        code = make_tables(extractor, rate_hz, err);
    if (code != SPIRA_OK)
        return code;
    *ret_extractor = extractor;
    extractor = NULL;
    return SPIRA_OK;
}

void spira_feature_extractor_free(struct spira_feature_extractor *extractor)
{
    if (!extractor)
        return;
    extractor->fourier.ops->plan_free(extractor->plan);
    spira_power_done(&extractor->power);
    spira_mel_done(&extractor->mel);
    free(extractor->window);
    free(extractor->dct);
    free(extractor);
}

size_t spira_feature_extractor_min_samples(const struct spira_feature_extractor *extractor)
{
    return extractor->config.n_fft / 2 + 1;
}

size_t spira_feature_extractor_frames(const struct spira_feature_extractor *extractor,
                                      size_t samples)
{
    size_t n_fft = extractor->config.n_fft;
    assert(samples >= spira_feature_extractor_min_samples(extractor));
    /* An odd n_fft reflects one sample less than it covers. */
    return 1 + (samples - n_fft % 2) / extractor->config.hop_length;
}

size_t spira_feature_extractor_dims(const struct spira_feature_extractor *extractor)
{
    switch (extractor->config.type) {
    case SPIRA_SPECTROGRAM:
        return extractor->bins;
    case SPIRA_MELSPECTROGRAM:
        return extractor->config.num_mels;
    case SPIRA_MFCC:
        break;
    }
    return extractor->config.num_mfcc;
}

/* Points of the transform a frame goes through. */
static size_t transform_points(const struct spira_feature_extractor *extractor)
{
    return extractor->power.points ? extractor->power.points : extractor->config.n_fft;
}

static enum spira_code reserve_rows(float **rows, size_t count,
                                    const struct spira_feature_extractor *extractor,
                                    const char *what, struct spira_error *err)
{
    return *rows
               ? SPIRA_OK
               : spira_big_alloc(rows, count * extractor->kernel->lanes, sizeof(float), what, err);
}

static enum spira_code reserve_batch(struct spira_feature_workspace *workspace,
                                     const struct spira_feature_extractor *extractor,
                                     struct spira_error *err)
{
    const struct spira_feature_config *config = &extractor->config;
    size_t points = transform_points(extractor);
    enum spira_code code =
        reserve_rows(&workspace->reflected, config->win_length, extractor, "windows", err);
    if (code == SPIRA_OK && extractor->plan && !workspace->frame)
        code = spira_big_alloc(&workspace->frame, points, sizeof(float), "a frame", err);
    if (code == SPIRA_OK)
        code = reserve_rows(&workspace->x, points, extractor, "frames", err);
    if (code == SPIRA_OK)
        code = reserve_rows(&workspace->spectra, 2 * points, extractor, "spectra", err);
    if (code == SPIRA_OK)
        code = reserve_rows(&workspace->power, extractor->bins, extractor, "power", err);
    if (code == SPIRA_OK && config->type != SPIRA_SPECTROGRAM)
        code = reserve_rows(&workspace->rows, config->num_mels, extractor, "mels", err);
    return code;
}

enum spira_code spira_feature_workspace_reserve(struct spira_feature_workspace *workspace,
                                                const struct spira_feature_extractor *extractor,
                                                size_t samples, struct spira_error *err)
{
    enum spira_code code = reserve_batch(workspace, extractor, err);
    if (code != SPIRA_OK || extractor->config.type != SPIRA_MFCC)
        return code;
    size_t lanes = extractor->kernel->lanes;
    size_t batches = (spira_feature_extractor_frames(extractor, samples) + lanes - 1) / lanes;
    if (batches <= workspace->max_batches)
        return SPIRA_OK;
    float *mels = NULL;
    /* One lane row more, for what is loudest elsewhere. */
    code = spira_big_alloc(&mels, batches * extractor->config.num_mels + 1, lanes * sizeof(float),
                           "mels", err);
    if (code != SPIRA_OK)
        return code;
    free(workspace->mels);
    workspace->mels = mels;
    workspace->max_batches = batches;
    return SPIRA_OK;
}

void spira_feature_workspace_done(struct spira_feature_workspace *workspace)
{
    free(workspace->frame);
    free(workspace->reflected);
    free(workspace->x);
    free(workspace->spectra);
    free(workspace->power);
    free(workspace->rows);
    free(workspace->mels);
    *workspace = (struct spira_feature_workspace){0};
}

/* Sample at position, which may lie up to count - 1 outside on either side, where the signal goes
 * on as its mirror image without repeating the end sample. */
static float reflected(const struct spira_feature_part *part, ptrdiff_t position)
{
    const ptrdiff_t count = (ptrdiff_t)part->count;
    if (position < 0)
        position = -position;
    if (position >= count)
        position = 2 * (count - 1) - position;
    return part->samples[position - (ptrdiff_t)part->from];
}

/* Frames of a stretch of speech on their way to features. */
struct stretch {
    const struct spira_feature_extractor *extractor;
    struct spira_feature_workspace *workspace;
    const struct spira_feature_part *part;
    size_t end; /* the frame after the last */
};

/* Position of the first sample of frame t's window. */
static ptrdiff_t window_start(const struct stretch *stretch, size_t t)
{
    const struct spira_feature_config *config = &stretch->extractor->config;
    return (ptrdiff_t)(t * config->hop_length + (config->n_fft - config->win_length) / 2) -
           (ptrdiff_t)(config->n_fft / 2);
}

/* Fills x with the samples of lanes frames from frame t on; those after the last frame repeat it,
 * so that whatever is found over all lanes is found over all frames. */
static void cut_batch(const struct stretch *stretch, size_t t)
{
    const struct spira_feature_extractor *extractor = stretch->extractor;
    const struct spira_frame_kernel *kernel = extractor->kernel;
    size_t length = extractor->config.win_length, lanes = kernel->lanes;
    float *x = stretch->workspace->x;
    const struct spira_feature_part *part = stretch->part;
    ptrdiff_t start = window_start(stretch, t), count = (ptrdiff_t)part->count;
    ptrdiff_t from = (ptrdiff_t)part->from;
    if (t + lanes <= stretch->end && start >= 0 &&
        window_start(stretch, t + lanes - 1) + (ptrdiff_t)length <= count) {
        kernel->transpose(x, lanes, part->samples + (start - from), extractor->config.hop_length,
                          lanes, length);
        return;
    }
    float *row = stretch->workspace->reflected;
    for (size_t l = 0; l < lanes; l++, row += length) {
        start = window_start(stretch, t + l < stretch->end ? t + l : stretch->end - 1);
        if (start >= 0 && start + (ptrdiff_t)length <= count)
            memcpy(row, part->samples + (start - from), length * sizeof *row);
        else
            for (size_t j = 0; j < length; j++)
                row[j] = reflected(part, start + (ptrdiff_t)j);
    }
    kernel->transpose(x, lanes, stretch->workspace->reflected, length, lanes, length);
}

/* power(k) = |transform of x w by the port, bin k|^2, one lane after the other. */
static void power_by_port(const struct spira_feature_extractor *extractor,
                          struct spira_feature_workspace *workspace)
{
    size_t lanes = extractor->kernel->lanes, length = extractor->config.win_length;
    float *frame = workspace->frame, *spectrum = workspace->spectra;
    for (size_t l = 0; l < lanes; l++) {
        memset(frame, 0, extractor->config.n_fft * sizeof *frame);
        for (size_t j = 0; j < length; j++)
            frame[j] = workspace->x[j * lanes + l] * extractor->window[j];
        extractor->fourier.ops->execute(extractor->plan, frame, spectrum);
        for (size_t k = 0; k < extractor->bins; k++)
            workspace->power[k * lanes + l] =
                spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1];
    }
}

/* Power of the batch of frames from frame t on. */
static void fill_power(const struct stretch *stretch, size_t t)
{
    const struct spira_feature_extractor *extractor = stretch->extractor;
    struct spira_feature_workspace *workspace = stretch->workspace;
    cut_batch(stretch, t);
    if (extractor->power.points)
        extractor->kernel->power(&extractor->power, workspace->x, workspace->spectra,
                                 workspace->power);
    else
        power_by_port(extractor, workspace);
}

/* Writes the batch rows (dims, lanes) as the frames from frame t on of features (frames, dims). */
static void store_batch(const struct stretch *stretch, size_t t, const float *rows, size_t dims,
                        float *features)
{
    size_t lanes = stretch->extractor->kernel->lanes, left = stretch->end - t;
    stretch->extractor->kernel->transpose(features + (t - stretch->part->first) * dims, dims, rows,
                                          lanes, dims, left < lanes ? left : lanes);
}

/* Takes the logarithm of count mels, all of the part. */
static void take_log(const struct stretch *stretch, size_t count)
{
    const struct spira_feature_extractor *extractor = stretch->extractor;
    float *mels = stretch->workspace->mels;
    if (extractor->config.log_mels) {
        extractor->kernel->log_offset(mels, count, LOG_OFFSET);
        return;
    }
    /* What is loudest elsewhere takes part. */
    size_t more = stretch->part->loudest > 0 ? extractor->kernel->lanes : 0;
    for (size_t i = 0; i < more; i++)
        mels[count + i] = stretch->part->loudest;
    extractor->kernel->decibels(mels, count + more, POWER_FLOOR, TOP_DB);
}

static void compute_mfcc(const struct stretch *stretch, float *ret_features)
{
    const struct spira_feature_extractor *extractor = stretch->extractor;
    const struct spira_frame_kernel *kernel = extractor->kernel;
    struct spira_feature_workspace *workspace = stretch->workspace;
    size_t num_mels = extractor->config.num_mels, num_mfcc = extractor->config.num_mfcc;
    size_t batch_values = num_mels * kernel->lanes, count = 0;
    for (size_t t = stretch->part->first; t < stretch->end; t += kernel->lanes) {
        fill_power(stretch, t);
        kernel->mels(&extractor->mel, workspace->power, workspace->mels + count);
        count += batch_values;
    }
    take_log(stretch, count);
    const float *mels = workspace->mels;
    for (size_t t = stretch->part->first; t < stretch->end; t += kernel->lanes) {
        kernel->dct(extractor->dct, mels, num_mels, num_mfcc, workspace->rows);
        store_batch(stretch, t, workspace->rows, num_mfcc, ret_features);
        mels += batch_values;
    }
}

static struct stretch stretch_of(const struct spira_feature_extractor *extractor,
                                 struct spira_feature_workspace *workspace,
                                 const struct spira_feature_part *part)
{
    return (struct stretch){extractor, workspace, part, part->first + part->frames};
}

void spira_feature_extractor_compute_part(const struct spira_feature_extractor *extractor,
                                          struct spira_feature_workspace *workspace,
                                          const struct spira_feature_part *part,
                                          float *ret_features)
{
    const struct spira_frame_kernel *kernel = extractor->kernel;
    const struct stretch stretch = stretch_of(extractor, workspace, part);
    if (extractor->config.type == SPIRA_MFCC) {
        assert((part->frames + kernel->lanes - 1) / kernel->lanes <= workspace->max_batches);
        compute_mfcc(&stretch, ret_features);
        return;
    }
    for (size_t t = part->first; t < stretch.end; t += kernel->lanes) {
        fill_power(&stretch, t);
        const float *rows = workspace->power;
        if (extractor->config.type == SPIRA_MELSPECTROGRAM) {
            kernel->mels(&extractor->mel, workspace->power, workspace->rows);
            rows = workspace->rows;
        }
        store_batch(&stretch, t, rows, spira_feature_extractor_dims(extractor), ret_features);
    }
}

bool spira_feature_extractor_listens(const struct spira_feature_extractor *extractor)
{
    return extractor->config.type == SPIRA_MFCC && !extractor->config.log_mels;
}

float spira_feature_extractor_loudest(const struct spira_feature_extractor *extractor,
                                      struct spira_feature_workspace *workspace,
                                      const struct spira_feature_part *part)
{
    const struct spira_frame_kernel *kernel = extractor->kernel;
    const struct stretch stretch = stretch_of(extractor, workspace, part);
    const size_t values = extractor->config.num_mels * kernel->lanes;
    float loudest = 0;
    for (size_t t = part->first; t < stretch.end; t += kernel->lanes) {
        fill_power(&stretch, t);
        kernel->mels(&extractor->mel, workspace->power, workspace->rows);
        for (size_t i = 0; i < values; i++)
            loudest = workspace->rows[i] > loudest ? workspace->rows[i] : loudest;
    }
    return loudest;
}

void spira_feature_extractor_compute(const struct spira_feature_extractor *extractor,
                                     struct spira_feature_workspace *workspace,
                                     const float *samples, size_t count, float *ret_features)
{
    const struct spira_feature_part whole = {
        .samples = samples,
        .count = count,
        .frames = spira_feature_extractor_frames(extractor, count),
    };
    spira_feature_extractor_compute_part(extractor, workspace, &whole, ret_features);
}

void spira_feature_extractor_span(const struct spira_feature_extractor *extractor,
                                  struct spira_feature_part *part, size_t *ret_held)
{
    const size_t n_fft = extractor->config.n_fft, hop = extractor->config.hop_length;
    size_t from = part->first * hop, to = (part->first + part->frames) * hop + n_fft;
    part->from = from > n_fft ? from - n_fft : 0;
    *ret_held = (to < part->count ? to : part->count) - part->from;
}

size_t spira_feature_extractor_span_most(const struct spira_feature_extractor *extractor,
                                         size_t frames)
{
    return frames * extractor->config.hop_length + 2 * extractor->config.n_fft;
}
