#include "core/features/extractor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/features/dct.h"
#include "core/features/mel.h"
#include "core/features/window.h"

static const float LOG_OFFSET = 1e-6f, POWER_FLOOR = 1e-10f, TOP_DB = 80;

struct spira_feature_extractor {
    struct spira_feature_config config;
    size_t bins;
    float *window; /* (win_length) */
    struct spira_fourier fourier;
    void *plan;
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
    if (config->type == SPIRA_SPECTROGRAM)
        return SPIRA_OK;
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
    code = make_tables(extractor, rate_hz, err);
    if (code == SPIRA_OK)
        code = fourier.ops->plan(fourier.self, config->n_fft, SPIRA_FEATURE_BATCH, &extractor->plan,
                                 err);
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

static enum spira_code reserve_batch(struct spira_feature_workspace *workspace,
                                     const struct spira_feature_extractor *extractor,
                                     struct spira_error *err)
{
    size_t power_row = spira_mel_padded_bins(extractor->bins);
    enum spira_code code = SPIRA_OK;
    if (!workspace->frames)
        code = spira_big_alloc(&workspace->frames, SPIRA_FEATURE_BATCH * extractor->config.n_fft,
                               sizeof(float), "frames", err);
    if (code == SPIRA_OK && !workspace->spectrum)
        code = spira_big_alloc(&workspace->spectrum, SPIRA_FEATURE_BATCH * extractor->bins,
                               2 * sizeof(float), "spectra", err);
    if (code == SPIRA_OK && !workspace->power)
        code = spira_big_alloc(&workspace->power, power_row, sizeof(float), "power", err);
    return code;
}

enum spira_code spira_feature_workspace_reserve(struct spira_feature_workspace *workspace,
                                                const struct spira_feature_extractor *extractor,
                                                size_t samples, struct spira_error *err)
{
    enum spira_code code = reserve_batch(workspace, extractor, err);
    if (code != SPIRA_OK || extractor->config.type != SPIRA_MFCC)
        return code;
    size_t frames = spira_feature_extractor_frames(extractor, samples);
    if (frames <= workspace->max_frames)
        return SPIRA_OK;
    float *mels = NULL;
    code = spira_big_alloc(&mels, frames * extractor->config.num_mels, sizeof(float), "mels", err);
    if (code != SPIRA_OK)
        return code;
    free(workspace->mels);
    workspace->mels = mels;
    workspace->max_frames = frames;
    return SPIRA_OK;
}

void spira_feature_workspace_done(struct spira_feature_workspace *workspace)
{
    free(workspace->frames);
    free(workspace->spectrum);
    free(workspace->power);
    free(workspace->mels);
    *workspace = (struct spira_feature_workspace){0};
}

/* Sample at position, which may lie up to count - 1 outside on either side, where the signal goes
 * on as its mirror image without repeating the end sample. */
static float reflected(const float *samples, ptrdiff_t count, ptrdiff_t position)
{
    if (position < 0)
        position = -position;
    if (position >= count)
        position = 2 * (count - 1) - position;
    return samples[position];
}

/* frame (n_fft): the windowed samples in the middle, zeros on both sides. start is the position of
 * the window's first sample. */
static void cut_frame(float *restrict frame, const float *restrict samples, size_t count,
                      ptrdiff_t start, const struct spira_feature_extractor *extractor)
{
    size_t length = extractor->config.win_length, n_fft = extractor->config.n_fft;
    size_t left = (n_fft - length) / 2;
    const float *restrict window = extractor->window;
    memset(frame, 0, n_fft * sizeof *frame);
    frame += left;
    if (start >= 0 && (size_t)start + length <= count)
        for (size_t j = 0; j < length; j++)
            frame[j] = samples[start + (ptrdiff_t)j] * window[j];
    else
        for (size_t j = 0; j < length; j++)
            frame[j] = reflected(samples, (ptrdiff_t)count, start + (ptrdiff_t)j) * window[j];
}

/* power(k) = |spectrum(k)|^2. */
static void fill_power(float *restrict power, const float *restrict spectrum, size_t bins)
{
    for (size_t k = 0; k < bins; k++)
        power[k] = spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1];
}

/* Spectrogram rows or, with filters, mel rows of all frames into rows (frames, dims of a row). */
static void fill_rows(const struct spira_feature_extractor *extractor,
                      struct spira_feature_workspace *workspace, const float *samples, size_t count,
                      float *rows, size_t frames)
{
    size_t n_fft = extractor->config.n_fft, bins = extractor->bins;
    size_t hop = extractor->config.hop_length;
    bool mels = extractor->config.type != SPIRA_SPECTROGRAM;
    size_t row_length = mels ? extractor->config.num_mels : bins;
    ptrdiff_t offset =
        (ptrdiff_t)((n_fft - extractor->config.win_length) / 2) - (ptrdiff_t)(n_fft / 2);
    for (size_t t = 0; t < frames; t += SPIRA_FEATURE_BATCH) {
        size_t batch = frames - t < SPIRA_FEATURE_BATCH ? frames - t : SPIRA_FEATURE_BATCH;
        for (size_t b = 0; b < batch; b++)
            cut_frame(workspace->frames + b * n_fft, samples, count,
                      (ptrdiff_t)((t + b) * hop) + offset, extractor);
        extractor->fourier.ops->execute(extractor->plan, workspace->frames, workspace->spectrum);
        for (size_t b = 0; b < batch; b++) {
            float *row = rows + (t + b) * row_length;
            const float *spectrum = workspace->spectrum + b * 2 * bins;
            fill_power(mels ? workspace->power : row, spectrum, bins);
            if (mels)
                spira_mel_apply(row, workspace->power, &extractor->mel);
        }
    }
}

/* mels(i) = ln(mels(i) + 1e-6). */
static void take_log(float *mels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mels[i] = logf(mels[i] + LOG_OFFSET);
}

/* mels(i) = 10 log10(max(mels(i), 1e-10)), at least 80 below the largest. */
static void take_decibels(float *mels, size_t count)
{
    const float decibels_per_neper = 4.34294481903251828f; /* 10 / ln(10) */
    float largest = -HUGE_VALF;
    for (size_t i = 0; i < count; i++) {
        float power = mels[i] > POWER_FLOOR ? mels[i] : POWER_FLOOR;
        mels[i] = decibels_per_neper * logf(power);
        largest = mels[i] > largest ? mels[i] : largest;
    }
    float least = largest - TOP_DB;
    for (size_t i = 0; i < count; i++)
        mels[i] = mels[i] > least ? mels[i] : least;
}

void spira_feature_extractor_compute(const struct spira_feature_extractor *extractor,
                                     struct spira_feature_workspace *workspace,
                                     const float *samples, size_t count, float *ret_features)
{
    size_t frames = spira_feature_extractor_frames(extractor, count);
    if (extractor->config.type != SPIRA_MFCC) {
        fill_rows(extractor, workspace, samples, count, ret_features, frames);
        return;
    }
    size_t num_mels = extractor->config.num_mels;
    assert(frames <= workspace->max_frames);
    fill_rows(extractor, workspace, samples, count, workspace->mels, frames);
    if (extractor->config.log_mels)
        take_log(workspace->mels, frames * num_mels);
    else
        take_decibels(workspace->mels, frames * num_mels);
    spira_dct_apply(ret_features, workspace->mels, extractor->dct, frames, num_mels,
                    extractor->config.num_mfcc);
}
