#include "core/features/examples.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/features/noise.h"
#include "core/features/overlap.h"

/* How a recording is cut: windows of window samples every step samples. */
struct cut {
    size_t windows, window, step;
};

static enum spira_code plan_cut(const struct spira_example_chain *chain, size_t samples,
                                struct cut *ret_cut, struct spira_error *err)
{
    if (samples == 0)
        return spira_fail(err, SPIRA_EINVALID, "holds no sample");
    const struct spira_overlap_config *overlap = &chain->transform->overlap;
    struct cut cut = {.windows = 1, .window = samples, .step = samples};
    if (overlap->enabled) {
        cut.window = spira_overlap_samples(overlap->window_seconds, chain->rate_hz);
        cut.step = spira_overlap_samples(overlap->step_seconds, chain->rate_hz);
        cut.windows = spira_overlap_windows(samples, cut.window, cut.step);
    }
    if (cut.windows == 0 && chain->short_recordings == SPIRA_SHORT_REJECT)
        return spira_fail(err, SPIRA_EINVALID, "%.3f s is shorter than the window of %g s",
                          (double)samples / chain->rate_hz, overlap->window_seconds);
    if (cut.windows == 0)
        cut.windows = 1;
    size_t least = spira_feature_extractor_min_samples(chain->extractor);
    if (cut.window < least)
        return spira_fail(err, SPIRA_EINVALID,
                          "%zu samples are too few for one frame, which needs %zu", cut.window,
                          least);
    *ret_cut = cut;
    return SPIRA_OK;
}

static struct spira_example_shape shape_of(const struct spira_example_chain *chain,
                                           const struct cut *cut)
{
    return (struct spira_example_shape){
        .windows = cut->windows,
        .frames = spira_feature_extractor_frames(chain->extractor, cut->window),
        .dims = spira_feature_extractor_dims(chain->extractor),
    };
}

enum spira_code spira_example_shape(const struct spira_example_chain *chain, size_t samples,
                                    struct spira_example_shape *ret_shape, struct spira_error *err)
{
    struct cut cut = {0};
    enum spira_code code = plan_cut(chain, samples, &cut, err);
    if (code == SPIRA_OK)
        *ret_shape = shape_of(chain, &cut);
    return code;
}

/* Copies wave and zero-pads it to one window. */
static enum spira_code copy_samples(struct spira_examples *examples, const struct spira_wave *wave,
                                    size_t window, struct spira_error *err)
{
    size_t length = wave->count < window ? window : wave->count;
    if (!examples->samples || length > examples->capacity) {
        float *samples = NULL;
        enum spira_code code =
            spira_big_alloc(&samples, length, sizeof *samples, "a recording", err);
        if (code != SPIRA_OK)
            return code;
        free(examples->samples);
        examples->samples = samples;
        examples->capacity = length;
    }
    memcpy(examples->samples, wave->samples, wave->count * sizeof *wave->samples);
    memset(examples->samples + wave->count, 0, (length - wave->count) * sizeof *wave->samples);
    return SPIRA_OK;
}

static enum spira_code add_noises(struct spira_examples *examples,
                                  const struct spira_example_chain *chain, size_t count, int label,
                                  const char *digest, uint32_t copy, struct spira_error *err)
{
    const struct spira_noise_config *config = &chain->transform->noise;
    struct spira_random random = spira_noise_stream(chain->seed, digest, copy);
    enum spira_code code = SPIRA_OK;
    size_t noises = spira_noise_count(config, label);
    for (size_t i = 0; i < noises && code == SPIRA_OK; i++)
        code = spira_noise_add(examples->samples, count, chain->noises, chain->noise_count,
                               config->min_amp, config->max_amp, &random, err);
    return code;
}

enum spira_code spira_examples_begin(struct spira_examples *examples,
                                     const struct spira_example_chain *chain,
                                     const struct spira_wave *wave, int label, const char *digest,
                                     uint32_t copy, struct spira_error *err)
{
    assert(wave->rate_hz == chain->rate_hz);
    struct cut cut = {0};
    enum spira_code code = plan_cut(chain, wave->count, &cut, err);
    if (code == SPIRA_OK)
        code = copy_samples(examples, wave, cut.window, err);
    if (code == SPIRA_OK)
        code = spira_feature_workspace_reserve(&examples->workspace, chain->extractor, cut.window,
                                               err);
    if (code == SPIRA_OK)
        code = add_noises(examples, chain, wave->count, label, digest, copy, err);
    if (code != SPIRA_OK)
        return code;
    examples->shape = shape_of(chain, &cut);
    examples->window = cut.window;
    examples->step = cut.step;
    return SPIRA_OK;
}

void spira_examples_compute(struct spira_examples *examples,
                            const struct spira_example_chain *chain, size_t index,
                            float *ret_features)
{
    assert(index < examples->shape.windows);
    spira_feature_extractor_compute(chain->extractor, &examples->workspace,
                                    examples->samples + index * examples->step, examples->window,
                                    ret_features);
}

void spira_examples_done(struct spira_examples *examples)
{
    free(examples->samples);
    spira_feature_workspace_done(&examples->workspace);
    *examples = (struct spira_examples){0};
}
