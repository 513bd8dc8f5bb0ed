#include "core/config/run_config_check.h"

#include <math.h>

#include "core/features/overlap.h"

static enum spira_code check_features(const char *name, const struct spira_run_config *config,
                                      struct spira_error *err)
{
    const struct spira_feature_config *features = &config->features;
    if (features->win_length > features->n_fft)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: features.win_length: %zu is above features.n_fft %zu", name,
                          features->win_length, features->n_fft);
    if (features->type == SPIRA_SPECTROGRAM)
        return SPIRA_OK;
    int half_hz = config->audio.rate_hz / 2;
    double fmax_hz = features->mel_fmax_hz > 0 ? features->mel_fmax_hz : half_hz;
    if (features->mel_fmin_hz >= fmax_hz)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: features.mel_fmin: %g is not below features.mel_fmax %g%s", name,
                          features->mel_fmin_hz, fmax_hz,
                          features->mel_fmax_hz > 0 ? "" : " (half of audio.sample_rate)");
    if (features->type == SPIRA_MFCC && features->num_mfcc > features->num_mels)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: features.num_mfcc: %zu is above features.num_mels %zu", name,
                          features->num_mfcc, features->num_mels);
    return SPIRA_OK;
}

static enum spira_code check_overlap(const char *name, const struct spira_run_config *config,
                                     struct spira_error *err)
{
    double seconds = config->transform.overlap.window_seconds;
    if (config->transform.padding)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: transform.padding: true does not go with transform.overlap: set "
                          "one of them to false or null",
                          name);
    if (seconds > config->audio.max_seconds)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: transform.overlap.window_seconds: %g is above audio.max_seconds %g",
                          name, seconds, config->audio.max_seconds);
    /* The first frame reflects n_fft/2 samples. */
    size_t samples = spira_overlap_samples(seconds, config->audio.rate_hz);
    if (samples < config->features.n_fft / 2 + 1)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: transform.overlap.window_seconds: %g is %zu samples, fewer than "
                          "half of features.n_fft %zu and one",
                          name, seconds, samples, config->features.n_fft);
    return SPIRA_OK;
}

static enum spira_code check_split(const char *name, const struct spira_split_config *split,
                                   struct spira_error *err)
{
    double sum = split->train + split->validation + split->test;
    if (fabs(sum - 1) > 1e-9)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: split: train %g, validation %g and test %g add up to %g, not to 1",
                          name, split->train, split->validation, split->test, sum);
    return SPIRA_OK;
}

static enum spira_code check_train(const char *name, const struct spira_train_config *train,
                                   struct spira_error *err)
{
    if (train->folds == 1)
        return spira_fail(
            err, SPIRA_EINVALID,
            "%s: train.folds: 1 leaves nothing to train on; 0 is no cross-validation, "
            "2 the fewest folds",
            name);
    if (train->folds * train->seed_count > SPIRA_MEMBERS_MAX)
        return spira_fail(
            err, SPIRA_EINVALID,
            "%s: train.folds: %zu for each of %zu train.seeds are %zu trainings, more "
            "than %d",
            name, train->folds, train->seed_count, train->folds * train->seed_count,
            SPIRA_MEMBERS_MAX);
    return SPIRA_OK;
}

enum spira_code spira_run_config_check(const char *name, const struct spira_run_config *config,
                                       struct spira_error *err)
{
    const struct spira_noise_config *noise = &config->transform.noise;
    if (config->audio.min_seconds > config->audio.max_seconds)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: audio.min_seconds: %g is above audio.max_seconds %g", name,
                          config->audio.min_seconds, config->audio.max_seconds);
    if (noise->enabled && noise->min_amp > noise->max_amp)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: transform.noise.min_amp: %g is above transform.noise.max_amp %g",
                          name, noise->min_amp, noise->max_amp);
    enum spira_code code = check_features(name, config, err);
    if (code == SPIRA_OK && config->transform.overlap.enabled)
        code = check_overlap(name, config, err);
    if (code == SPIRA_OK)
        code = check_train(name, &config->train, err);
    return code == SPIRA_OK ? check_split(name, &config->split, err) : code;
}
