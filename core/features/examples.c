#include "core/features/examples.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

static enum spira_code draw_noises(const struct spira_example_chain *chain, int label,
                                   const char *digest, uint32_t copy, struct spira_example *example,
                                   struct spira_error *err)
{
    const struct spira_noise_config *config = &chain->transform->noise;
    struct spira_random random = spira_noise_stream(chain->seed, digest, copy);
    enum spira_code code = SPIRA_OK;
    example->noise_count = spira_noise_count(config, label);
    example->noises = spira_alloc(example->noise_count, sizeof *example->noises);
    for (size_t i = 0; i < example->noise_count && code == SPIRA_OK; i++)
        code =
            spira_noise_draw(example->wave->count, chain->noises, chain->noise_count,
                             config->min_amp, config->max_amp, &random, &example->noises[i], err);
    return code;
}

enum spira_code spira_example_init(const struct spira_example_chain *chain,
                                   const struct spira_wave *wave, int label, const char *digest,
                                   uint32_t copy, struct spira_example *ret_example,
                                   struct spira_error *err)
{
    assert(wave->rate_hz == chain->rate_hz);
    struct cut cut = {0};
    enum spira_code code = plan_cut(chain, wave->count, &cut, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_example example = {
        .wave = wave, .shape = shape_of(chain, &cut), .window = cut.window, .step = cut.step};
    code = draw_noises(chain, label, digest, copy, &example, err);
    if (code == SPIRA_OK)
        *ret_example = example;
    else
        spira_example_done(&example);
    return code;
}

void spira_example_done(struct spira_example *example)
{
    free(example->noises);
    *example = (struct spira_example){0};
}

enum spira_code spira_examples_begin(struct spira_examples *examples,
                                     const struct spira_example_chain *chain,
                                     const struct spira_example *example, struct spira_error *err)
{
    if (example->window > examples->capacity) {
        float *samples = NULL;
        enum spira_code code =
            spira_big_alloc(&samples, example->window, sizeof *samples, "a window", err);
        if (code != SPIRA_OK)
            return code;
        free(examples->samples);
        examples->samples = samples;
        examples->capacity = example->window;
    }
    examples->example = example;
    examples->held = 0;
    return spira_feature_workspace_reserve(&examples->workspace, chain->extractor, example->window,
                                           err);
}

/* Fills count samples at the end of those held, which are from sample from on: speech with its
 * noises, zeros behind its end. */
static enum spira_code fill(struct spira_examples *examples, size_t from, size_t count,
                            struct spira_error *err)
{
    const struct spira_example *example = examples->example;
    float *samples = examples->samples + examples->held;
    size_t left = from < example->wave->count ? example->wave->count - from : 0;
    size_t sounding = count < left ? count : left;
    enum spira_code code = spira_wave_read(example->wave, from, sounding, samples, err);
    for (size_t i = 0; code == SPIRA_OK && i < example->noise_count; i++)
        code = spira_noise_add(&example->noises[i], from, sounding, samples, err);
    if (code != SPIRA_OK)
        return code;
    memset(samples + sounding, 0, (count - sounding) * sizeof *samples);
    examples->held += count;
    return SPIRA_OK;
}

enum spira_code spira_examples_compute(struct spira_examples *examples,
                                       const struct spira_example_chain *chain, size_t index,
                                       float *ret_features, struct spira_error *err)
{
    const struct spira_example *example = examples->example;
    assert(index < example->shape.windows);
    size_t from = index * example->step, to = examples->from + examples->held;
    size_t kept = from >= examples->from && from < to ? to - from : 0;
    memmove(examples->samples, examples->samples + examples->held - kept,
            kept * sizeof *examples->samples);
    examples->from = from;
    examples->held = kept;
    enum spira_code code = fill(examples, from + kept, example->window - kept, err);
    if (code == SPIRA_OK)
        spira_feature_extractor_compute(chain->extractor, &examples->workspace, examples->samples,
                                        example->window, ret_features);
    else
        examples->held = 0;
    return code;
}

void spira_examples_done(struct spira_examples *examples)
{
    free(examples->samples);
    spira_feature_workspace_done(&examples->workspace);
    *examples = (struct spira_examples){0};
}
