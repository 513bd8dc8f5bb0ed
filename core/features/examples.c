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

/* Whether a window is held as a whole decides about memory, nothing else: parts give the same. */
static struct spira_example_shape shape_of(const struct spira_example_chain *chain,
                                           const struct cut *cut)
{
    enum { WHOLE_MOST = 1 << 21, PART_MOST = 1 << 20 }; /* samples; and values of features */
    const struct spira_feature_extractor *extractor = chain->extractor;
    struct spira_example_shape shape = {
        .windows = cut->windows,
        .frames = spira_feature_extractor_frames(extractor, cut->window),
        .dims = spira_feature_extractor_dims(extractor),
        .parts = 1,
    };
    shape.part_frames = shape.frames;
    if (cut->window <= WHOLE_MOST && shape.frames <= WHOLE_MOST / shape.dims)
        return shape;
    const size_t by_samples = shape.frames / (cut->window / PART_MOST + 1);
    const size_t by_values = PART_MOST / shape.dims;
    shape.part_frames = by_samples < by_values ? by_samples : by_values;
    if (shape.part_frames == 0)
        shape.part_frames = 1;
    shape.parts = (shape.frames + shape.part_frames - 1) / shape.part_frames;
    return shape;
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

size_t spira_example_part_frames(const struct spira_example_shape *shape, size_t index)
{
    size_t first = index % shape->parts * shape->part_frames;
    size_t left = shape->frames - first;
    return left < shape->part_frames ? left : shape->part_frames;
}

enum spira_code spira_examples_begin(struct spira_examples *examples,
                                     const struct spira_example_chain *chain,
                                     const struct spira_example *example, struct spira_error *err)
{
    size_t room =
        example->shape.parts == 1
            ? example->window
            : spira_feature_extractor_span_most(chain->extractor, example->shape.part_frames);
    if (room > examples->capacity) {
        float *samples = NULL;
        enum spira_code code = spira_big_alloc(&samples, room, sizeof *samples, "a window", err);
        if (code != SPIRA_OK)
            return code;
        free(examples->samples);
        examples->samples = samples;
        examples->capacity = room;
    }
    examples->example = example;
    examples->held = 0;
    return spira_feature_workspace_reserve(&examples->workspace, chain->extractor, room, err);
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

/* Holds count samples from sample from of the recording on. */
static enum spira_code hold(struct spira_examples *examples, size_t from, size_t count,
                            struct spira_error *err)
{
    size_t to = examples->from + examples->held;
    size_t kept = from >= examples->from && from < to ? to - from : 0;
    kept = kept < count ? kept : count;
    memmove(examples->samples, examples->samples + (from - examples->from) * (kept > 0),
            kept * sizeof *examples->samples);
    examples->from = from;
    examples->held = kept;
    enum spira_code code = fill(examples, from + kept, count - kept, err);
    if (code != SPIRA_OK)
        examples->held = 0;
    return code;
}

/* Holds what a part looks at, and fills ret_part. */
static enum spira_code take_part(struct spira_examples *examples,
                                 const struct spira_example_chain *chain, size_t index,
                                 struct spira_feature_part *ret_part, struct spira_error *err)
{
    const struct spira_example *example = examples->example;
    const struct spira_example_shape *shape = &example->shape;
    const size_t window = index / shape->parts;
    assert(window < shape->windows);
    struct spira_feature_part part = {
        .count = example->window,
        .first = index % shape->parts * shape->part_frames,
        .frames = spira_example_part_frames(shape, index),
        .loudest = example->loudest ? example->loudest[window] : 0,
    };
    size_t count = example->window;
    if (shape->parts > 1)
        spira_feature_extractor_span(chain->extractor, &part, &count);
    enum spira_code code = hold(examples, window * example->step + part.from, count, err);
    part.samples = examples->samples;
    *ret_part = part;
    return code;
}

enum spira_code spira_examples_compute_part(struct spira_examples *examples,
                                            const struct spira_example_chain *chain, size_t index,
                                            float *ret_features, struct spira_error *err)
{
    struct spira_feature_part part = {0};
    enum spira_code code = take_part(examples, chain, index, &part, err);
    if (code == SPIRA_OK)
        spira_feature_extractor_compute_part(chain->extractor, &examples->workspace, &part,
                                             ret_features);
    return code;
}

enum spira_code spira_examples_compute(struct spira_examples *examples,
                                       const struct spira_example_chain *chain, size_t index,
                                       float *ret_features, struct spira_error *err)
{
    const struct spira_example_shape *shape = &examples->example->shape;
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < shape->parts; i++)
        code =
            spira_examples_compute_part(examples, chain, index * shape->parts + i,
                                        ret_features + i * shape->part_frames * shape->dims, err);
    return code;
}

/* Finds what is loudest in each window, where it is computed in parts. */
static enum spira_code listen(const struct spira_example_chain *chain,
                              struct spira_example *example, struct spira_error *err)
{
    const struct spira_example_shape *shape = &example->shape;
    if (shape->parts == 1 || !spira_feature_extractor_listens(chain->extractor))
        return SPIRA_OK;
    float *loudest = spira_alloc(shape->windows, sizeof *loudest);
    SPIRA_CLEANUP(spira_examples_done)
    struct spira_examples examples = {0};
    enum spira_code code = spira_examples_begin(&examples, chain, example, err);
    for (size_t i = 0; code == SPIRA_OK && i < shape->windows * shape->parts; i++) {
        struct spira_feature_part part = {0};
        code = take_part(&examples, chain, i, &part, err);
        if (code != SPIRA_OK)
            break;
        float heard = spira_feature_extractor_loudest(chain->extractor, &examples.workspace, &part);
        if (heard > loudest[i / shape->parts])
            loudest[i / shape->parts] = heard;
    }
    example->loudest = loudest;
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
        code = listen(chain, &example, err);
    if (code == SPIRA_OK)
        *ret_example = example;
    else
        spira_example_done(&example);
    return code;
}

void spira_example_done(struct spira_example *example)
{
    free(example->noises);
    free(example->loudest);
    *example = (struct spira_example){0};
}

void spira_examples_done(struct spira_examples *examples)
{
    free(examples->samples);
    spira_feature_workspace_done(&examples->workspace);
    *examples = (struct spira_examples){0};
}
