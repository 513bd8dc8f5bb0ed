#include <criterion/criterion.h>
#include <math.h>

#include "core/base/dispatch.h"
#include "core/base/parallel.h"
#include "core/base/random.h"
#include "core/features/extractor.h"
#include "tests/core/features/fourier_fake.h"
#include "tests/oracle/features_oracle.h"

enum { RATE = 16000, COUNT = 777 };

static const struct spira_feature_config small = {.type = SPIRA_MFCC,
                                                  .n_fft = 60,
                                                  .win_length = 40,
                                                  .hop_length = 16,
                                                  .num_mels = 12,
                                                  .num_mfcc = 9};
static float signal_of_test[COUNT];

static void fill_signal(void)
{
    struct spira_random random = spira_random_stream(5, SPIRA_FOR_NOISE, 0, 0);
    for (size_t i = 0; i < COUNT; i++)
        signal_of_test[i] =
            (float)(0.3 * sin(0.2 * (double)i) + 0.1 * spira_random_normal(&random));
}

static struct spira_feature_extractor *extractor_new(struct spira_feature_config config)
{
    struct spira_feature_extractor *extractor = NULL;
    struct spira_error err;
    cr_assert_eq(spira_feature_extractor_new(&config, RATE, fourier_fake(), &extractor, &err),
                 SPIRA_OK, "%s", err.message);
    return extractor;
}

static float *features_new(const struct spira_feature_extractor *extractor, size_t count)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_feature_workspace_done)
    struct spira_feature_workspace workspace = {0};
    cr_assert_eq(spira_feature_workspace_reserve(&workspace, extractor, count, &err), SPIRA_OK);
    float *features = spira_alloc(spira_feature_extractor_frames(extractor, count) *
                                      spira_feature_extractor_dims(extractor),
                                  sizeof *features);
    spira_feature_extractor_compute(extractor, &workspace, signal_of_test, count, features);
    return features;
}

Test(extractor, spectrogram_is_the_power_of_the_windowed_transform, .init = fill_signal)
{
    struct spira_feature_config config = small;
    config.type = SPIRA_SPECTROGRAM;
    struct spira_feature_extractor *extractor = extractor_new(config);
    float *features = features_new(extractor, COUNT);
    size_t frames = spira_feature_extractor_frames(extractor, COUNT);
    cr_assert_eq(frames, 1 + COUNT / 16);
    cr_assert_eq(spira_feature_extractor_dims(extractor), 31);
    for (size_t t = 0; t < frames; t++)
        for (size_t k = 0; k < 31; k++) {
            double expected = oracle_power(&config, signal_of_test, COUNT, t, k);
            cr_assert_float_eq((double)features[t * 31 + k], expected, 1e-5 * expected + 1e-6,
                               "frame %zu, bin %zu", t, k);
        }
    free(features);
    spira_feature_extractor_free(extractor);
}

Test(extractor, mfcc_agrees_with_the_definition_for_both_logarithms, .init = fill_signal)
{
    for (int log_mels = 0; log_mels < 2; log_mels++) {
        struct spira_feature_config config = small;
        config.log_mels = log_mels == 1;
        struct spira_feature_extractor *extractor = extractor_new(config);
        float *features = features_new(extractor, COUNT);
        size_t frames = spira_feature_extractor_frames(extractor, COUNT);
        double *logs = spira_alloc(frames * config.num_mels, sizeof *logs);
        oracle_mels(&config, RATE, signal_of_test, COUNT, frames, logs);
        oracle_log(&config, frames, logs);
        for (size_t t = 0; t < frames; t++)
            for (size_t c = 0; c < config.num_mfcc; c++)
                cr_assert_float_eq((double)features[t * config.num_mfcc + c],
                                   oracle_mfcc(&config, logs + t * config.num_mels, c), 1e-3);
        free(logs);
        free(features);
        spira_feature_extractor_free(extractor);
    }
}

Test(extractor, melspectrogram_agrees_with_the_definition, .init = fill_signal)
{
    struct spira_feature_config config = small;
    config.type = SPIRA_MELSPECTROGRAM;
    config.mel_fmin_hz = 300;
    config.mel_fmax_hz = 6000;
    struct spira_feature_extractor *extractor = extractor_new(config);
    float *features = features_new(extractor, COUNT);
    size_t values = spira_feature_extractor_frames(extractor, COUNT) * config.num_mels;
    double *expected = spira_alloc(values, sizeof *expected);
    oracle_mels(&config, RATE, signal_of_test, COUNT, values / config.num_mels, expected);
    for (size_t i = 0; i < values; i++)
        cr_assert_float_eq((double)features[i], expected[i], 1e-5 * expected[i] + 1e-6);
    free(expected);
    free(features);
    spira_feature_extractor_free(extractor);
}

Test(extractor, decibels_reach_80_below_the_loudest_of_the_window)
{
    /* A click and then silence: floor 80 dB below, whose constant has one coefficient only. */
    memset(signal_of_test, 0, sizeof signal_of_test);
    signal_of_test[0] = 1;
    struct spira_feature_config config = small;
    config.num_mels = config.num_mfcc = 4;
    struct spira_feature_extractor *extractor = extractor_new(config);
    float *features = features_new(extractor, COUNT);
    size_t last = spira_feature_extractor_frames(extractor, COUNT) - 1;
    double mels[4], loudest = -HUGE_VAL;
    oracle_mels(&config, RATE, signal_of_test, COUNT, 1, mels);
    oracle_log(&config, 1, mels);
    for (size_t m = 0; m < 4; m++)
        loudest = fmax(loudest, mels[m]);
    cr_assert_float_eq((double)features[last * 4], 2 * (loudest - 80), 1e-3);
    for (size_t c = 1; c < 4; c++)
        cr_assert_float_eq(features[last * 4 + c], 0, 1e-4f);
    free(features);
    spira_feature_extractor_free(extractor);
}

Test(extractor, the_shortest_signal_has_its_frames, .init = fill_signal)
{
    struct spira_feature_extractor *extractor = extractor_new(small);
    size_t least = spira_feature_extractor_min_samples(extractor);
    cr_assert_eq(least, 31);
    cr_assert_eq(spira_feature_extractor_frames(extractor, least), 2);
    float *features = features_new(extractor, least);
    for (size_t i = 0; i < 2 * small.num_mfcc; i++)
        cr_assert(isfinite(features[i]));
    free(features);
    spira_feature_extractor_free(extractor);
}

/* |error| <= 1e-5 of the value, and of the largest a little. */
static void assert_spectrogram(struct spira_feature_config config, size_t count)
{
    config.type = SPIRA_SPECTROGRAM;
    struct spira_feature_extractor *extractor = extractor_new(config);
    float *features = features_new(extractor, count);
    size_t frames = spira_feature_extractor_frames(extractor, count);
    size_t bins = spira_feature_extractor_dims(extractor);
    for (size_t t = 0; t < frames; t++)
        for (size_t k = 0; k < bins; k++) {
            double expected = oracle_power(&config, signal_of_test, count, t, k);
            cr_assert_float_eq((double)features[t * bins + k], expected, 1e-5 * expected + 1e-4,
                               "n_fft %zu, win_length %zu, count %zu, frame %zu, bin %zu",
                               config.n_fft, config.win_length, count, t, k);
        }
    free(features);
    spira_feature_extractor_free(extractor);
}

Test(extractor, any_shape_follows_the_definition, .init = fill_signal)
{
    static const size_t shapes[][3] = {
        {60, 60, 16}, {61, 40, 16}, {45, 45, 7},  {45, 15, 7},  {135, 44, 50},
        {96, 24, 24}, {96, 23, 96}, {128, 1, 16}, {28, 20, 16}, {28, 28, 16},
        {2, 2, 1},    {3, 2, 2},    {4, 3, 1},    {80, 20, 40},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct spira_feature_config config = small;
        config.n_fft = shapes[i][0];
        config.win_length = shapes[i][1];
        config.hop_length = shapes[i][2];
        assert_spectrogram(config, COUNT);
        assert_spectrogram(config, config.n_fft / 2 + 1);
        assert_spectrogram(config, config.n_fft + 11);
    }
}

Test(extractor, every_level_gives_the_same_bits, .init = fill_signal)
{
    static const enum spira_feature_type types[] = {SPIRA_SPECTROGRAM, SPIRA_MELSPECTROGRAM,
                                                    SPIRA_MFCC, SPIRA_MFCC};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct spira_feature_config config = small;
        config.type = types[i];
        config.log_mels = i == 3;
        float *first = NULL;
        for (size_t level = 0; level <= (size_t)spira_dispatch_best(); level++) {
            setenv("SPIRA_DISPATCH", spira_dispatch_name((enum spira_dispatch)level), 1);
            struct spira_feature_extractor *extractor = extractor_new(config);
            float *features = features_new(extractor, COUNT);
            size_t values = spira_feature_extractor_frames(extractor, COUNT) *
                            spira_feature_extractor_dims(extractor);
            if (!first)
                first = features;
            cr_assert_arr_eq(features, first, values * sizeof *features);
            if (features != first)
                free(features);
            spira_feature_extractor_free(extractor);
        }
        free(first);
    }
}

Test(extractor, a_frames_bits_do_not_depend_on_where_it_lies, .init = fill_signal)
{
    enum { HOP = 16, LEAST_CLEAR = 2, LENGTH = 400 };
    struct spira_feature_config config = small;
    config.type = SPIRA_MELSPECTROGRAM;
    struct spira_feature_extractor *extractor = extractor_new(config);
    float *whole = features_new(extractor, COUNT);
    for (size_t shift = 1; shift <= 20; shift++) {
        memmove(signal_of_test, signal_of_test + HOP, (COUNT - HOP) * sizeof *signal_of_test);
        float *later = features_new(extractor, LENGTH);
        /* Frames that reach over neither end. */
        for (size_t t = LEAST_CLEAR; t < LENGTH / HOP - LEAST_CLEAR; t++)
            cr_assert_arr_eq(later + t * config.num_mels, whole + (t + shift) * config.num_mels,
                             config.num_mels * sizeof *whole);
        free(later);
    }
    free(whole);
    spira_feature_extractor_free(extractor);
}

/* Computes a stretch in parts of so many frames, from copies of no more than each looks at. */
static float *parts_new(const struct spira_feature_extractor *extractor, size_t frames)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_feature_workspace_done)
    struct spira_feature_workspace workspace = {0};
    size_t all = spira_feature_extractor_frames(extractor, COUNT);
    size_t dims = spira_feature_extractor_dims(extractor);
    size_t most = spira_feature_extractor_span_most(extractor, frames);
    cr_assert_eq(spira_feature_workspace_reserve(&workspace, extractor, most, &err), SPIRA_OK);
    float *made = spira_alloc(all * dims, sizeof *made), loudest = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t t = 0; t < all; t += frames) {
            struct spira_feature_part part = {
                .count = COUNT, .first = t, .frames = all - t < frames ? all - t : frames};
            size_t held = 0;
            spira_feature_extractor_span(extractor, &part, &held);
            cr_assert(held <= most && part.from + held <= COUNT);
            SPIRA_CLEANUP(spira_free_at)
            float *samples = spira_alloc(held, sizeof *samples);
            memcpy(samples, signal_of_test + part.from, held * sizeof *samples);
            part.samples = samples;
            part.loudest = loudest;
            if (pass == 1)
                spira_feature_extractor_compute_part(extractor, &workspace, &part, made + t * dims);
            else if (spira_feature_extractor_listens(extractor))
                loudest =
                    fmaxf(loudest, spira_feature_extractor_loudest(extractor, &workspace, &part));
        }
    return made;
}

Test(extractor, parts_are_what_the_whole_is, .init = fill_signal)
{
    static const enum spira_feature_type types[] = {SPIRA_SPECTROGRAM, SPIRA_MELSPECTROGRAM,
                                                    SPIRA_MFCC, SPIRA_MFCC};
    static const size_t shapes[][3] = {{60, 40, 16}, {61, 40, 16}, {2, 2, 1}, {512, 400, 3}};
    for (size_t i = 4; i < COUNT; i++) /* so that the 80 dB matter */
        signal_of_test[i] *= i / 100 == 3 ? 1 : 1e-5F;
    for (size_t i = 0; i < 4 * sizeof shapes / sizeof *shapes; i++) {
        struct spira_feature_config config = small;
        config.type = types[i % 4];
        config.log_mels = i % 4 == 3;
        config.n_fft = shapes[i / 4][0];
        config.win_length = shapes[i / 4][1];
        config.hop_length = shapes[i / 4][2];
        struct spira_feature_extractor *extractor = extractor_new(config);
        float *whole = features_new(extractor, COUNT);
        size_t values = spira_feature_extractor_frames(extractor, COUNT) *
                        spira_feature_extractor_dims(extractor);
        for (size_t frames = 1; frames <= 40; frames += 13) {
            float *parts = parts_new(extractor, frames);
            cr_assert_arr_eq(parts, whole, values * sizeof *whole, "case %zu, parts of %zu", i,
                             frames);
            free(parts);
        }
        free(whole);
        spira_feature_extractor_free(extractor);
    }
}

Test(extractor, silence_has_finite_features)
{
    memset(signal_of_test, 0, sizeof signal_of_test);
    for (int log_mels = 0; log_mels < 2; log_mels++) {
        struct spira_feature_config config = small;
        config.log_mels = log_mels == 1;
        struct spira_feature_extractor *extractor = extractor_new(config);
        float *features = features_new(extractor, COUNT);
        double level = log_mels ? log(1e-6) : -100;
        cr_assert_float_eq((double)features[0], level * sqrt((double)config.num_mels), 1e-3);
        for (size_t c = 1; c < config.num_mfcc; c++)
            cr_assert_float_eq(features[c], 0, 1e-4f);
        free(features);
        spira_feature_extractor_free(extractor);
    }
}

struct shared {
    const struct spira_feature_extractor *extractor;
    struct spira_feature_workspace workspaces[3];
    float features[8][(1 + COUNT / 16) * 9];
};

static void compute_piece(void *context, size_t index, size_t thread)
{
    struct shared *shared = context;
    spira_feature_extractor_compute(shared->extractor, &shared->workspaces[thread], signal_of_test,
                                    COUNT, shared->features[index]);
}

Test(extractor, one_serves_many_threads, .init = fill_signal)
{
    struct spira_feature_extractor *extractor = extractor_new(small);
    struct shared *shared = spira_alloc(1, sizeof *shared);
    struct spira_error err;
    shared->extractor = extractor;
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(
            spira_feature_workspace_reserve(&shared->workspaces[i], extractor, COUNT, &err),
            SPIRA_OK);
    spira_parallel(8, 3, compute_piece, shared);
    float *alone = features_new(extractor, COUNT);
    for (size_t i = 0; i < 8; i++)
        cr_assert_arr_eq(shared->features[i], alone, sizeof shared->features[i]);
    free(alone);
    for (size_t i = 0; i < 3; i++)
        spira_feature_workspace_done(&shared->workspaces[i]);
    free(shared);
    spira_feature_extractor_free(extractor);
}

Test(extractor, contradictions_are_refused)
{
    struct spira_feature_extractor *extractor = NULL;
    struct spira_error err;
    struct spira_feature_config config = small;
    config.win_length = 61;
    cr_assert_eq(spira_feature_extractor_new(&config, RATE, fourier_fake(), &extractor, &err),
                 SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "features: win_length 61 is above n_fft 60");
    config = small;
    config.num_mfcc = 13;
    cr_assert_eq(spira_feature_extractor_new(&config, RATE, fourier_fake(), &extractor, &err),
                 SPIRA_EINVALID);
    config = small;
    config.mel_fmin_hz = 8000;
    cr_assert_eq(spira_feature_extractor_new(&config, RATE, fourier_fake(), &extractor, &err),
                 SPIRA_EINVALID);
    config = small;
    config.hop_length = 0;
    cr_assert_eq(spira_feature_extractor_new(&config, RATE, fourier_fake(), &extractor, &err),
                 SPIRA_EINVALID);
    config = small;
    setenv("SPIRA_DISPATCH", "fastest", 1);
    cr_assert_eq(spira_feature_extractor_new(&config, RATE, fourier_fake(), &extractor, &err),
                 SPIRA_EINVALID);
    cr_assert_null(extractor);
}
