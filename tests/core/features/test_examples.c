#include <criterion/criterion.h>
#include <math.h>

#include "core/base/random.h"
#include "core/features/examples.h"
#include "tests/core/features/fourier_fake.h"

enum { RATE = 1000, COUNT = 1234, WINDOW = 400, STEP = 100 };

static float speech[COUNT], ward[3000];
static const struct spira_wave ward_wave = {.samples = ward, .count = 3000, .rate_hz = RATE};
static const struct spira_feature_config features = {.type = SPIRA_MFCC,
                                                     .n_fft = 64,
                                                     .win_length = 40,
                                                     .hop_length = 20,
                                                     .num_mels = 10,
                                                     .num_mfcc = 8};
static struct spira_transform_config transform;
static struct spira_example_chain chain;
static struct spira_feature_extractor *extractor;

static void setup(void)
{
    struct spira_random random = spira_random_stream(9, SPIRA_FOR_NOISE, 0, 0);
    struct spira_error err;
    for (size_t i = 0; i < COUNT; i++)
        speech[i] = (float)(0.2 * spira_random_normal(&random));
    for (size_t i = 0; i < 3000; i++)
        ward[i] = (float)spira_random_normal(&random);
    cr_assert_eq(spira_feature_extractor_new(&features, RATE, fourier_fake(), &extractor, &err),
                 SPIRA_OK);
    transform = (struct spira_transform_config){
        .overlap = {.enabled = true, .window_seconds = 0.4, .step_seconds = 0.1},
        .noise = {.num_control = 1, .num_patient = 2, .min_amp = 0.1, .max_amp = 0.2}};
    chain = (struct spira_example_chain){.extractor = extractor,
                                         .transform = &transform,
                                         .rate_hz = RATE,
                                         .seed = 42,
                                         .noises = &ward_wave,
                                         .noise_count = 1};
}

static void teardown(void)
{
    spira_feature_extractor_free(extractor);
}

TestSuite(examples, .init = setup, .fini = teardown);

static struct spira_wave speech_of(size_t count)
{
    return (struct spira_wave){.samples = speech, .count = count, .rate_hz = RATE};
}

/* All windows of a recording, one after the other; fills ret_shape. */
static float *examples_new(size_t count, int label, const char *digest, uint32_t copy,
                           struct spira_example_shape *ret_shape)
{
    SPIRA_CLEANUP(spira_example_done)
    struct spira_example example = {0};
    SPIRA_CLEANUP(spira_examples_done)
    struct spira_examples examples = {0};
    struct spira_error err;
    struct spira_wave wave = speech_of(count);
    cr_assert_eq(spira_example_init(&chain, &wave, label, digest, copy, &example, &err), SPIRA_OK,
                 "%s", err.message);
    cr_assert_eq(spira_examples_begin(&examples, &chain, &example, &err), SPIRA_OK);
    *ret_shape = example.shape;
    size_t values = example.shape.frames * example.shape.dims;
    float *made = spira_alloc(example.shape.windows * values, sizeof *made);
    for (size_t i = 0; i < example.shape.windows; i++)
        cr_assert_eq(spira_examples_compute(&examples, &chain, i, made + i * values, &err),
                     SPIRA_OK);
    return made;
}

/* The features of count samples of the speech from start on, zeros after its end. */
static float *features_of(size_t start, size_t count, size_t speech_count)
{
    SPIRA_CLEANUP(spira_feature_workspace_done)
    struct spira_feature_workspace workspace = {0};
    struct spira_error err;
    float *samples = spira_alloc(count, sizeof *samples);
    for (size_t i = 0; i < count && start + i < speech_count; i++)
        samples[i] = speech[start + i];
    cr_assert_eq(spira_feature_workspace_reserve(&workspace, extractor, count, &err), SPIRA_OK);
    float *made = spira_alloc(spira_feature_extractor_frames(extractor, count) * 8, sizeof *made);
    spira_feature_extractor_compute(extractor, &workspace, samples, count, made);
    free(samples);
    return made;
}

Test(examples, windows_are_stretches_of_the_recording)
{
    struct spira_example_shape shape;
    float *made = examples_new(COUNT, 0, "aa", 0, &shape);
    cr_assert_eq(shape.windows, 9); /* starts 0, 100, ... 800 */
    cr_assert_eq(shape.frames, 21);
    cr_assert_eq(shape.dims, 8);
    for (size_t i = 0; i < shape.windows; i++) {
        float *expected = features_of(i * STEP, WINDOW, COUNT);
        cr_assert_arr_eq(made + i * 21 * 8, expected, 21 * 8 * sizeof *expected);
        free(expected);
    }
    free(made);
}

Test(examples, a_recording_that_ends_with_a_window_has_it)
{
    struct spira_example_shape shape;
    struct spira_error err;
    cr_assert_eq(spira_example_shape(&chain, 500, &shape, &err), SPIRA_OK);
    cr_assert_eq(shape.windows, 2);
    cr_assert_eq(spira_example_shape(&chain, 499, &shape, &err), SPIRA_OK);
    cr_assert_eq(shape.windows, 1);
}

Test(examples, a_short_recording_is_zero_padded_to_one_window)
{
    struct spira_example_shape shape;
    float *made = examples_new(123, 0, "aa", 0, &shape);
    cr_assert_eq(shape.windows, 1);
    float *expected = features_of(0, WINDOW, 123);
    cr_assert_arr_eq(made, expected, 21 * 8 * sizeof *expected);
    free(expected);
    free(made);
}

Test(examples, a_short_recording_is_rejected_when_configured)
{
    struct spira_example_shape shape = {.windows = 77};
    struct spira_error err;
    chain.short_recordings = SPIRA_SHORT_REJECT;
    cr_assert_eq(spira_example_shape(&chain, 123, &shape, &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "0.123 s is shorter than the window of 0.4 s");
    cr_assert_eq(shape.windows, 77);
    cr_assert_eq(spira_example_shape(&chain, WINDOW, &shape, &err), SPIRA_OK);
}

Test(examples, without_overlap_the_recording_is_one_example)
{
    struct spira_example_shape shape;
    struct spira_error err;
    transform.overlap.enabled = false;
    float *made = examples_new(COUNT, 0, "aa", 0, &shape);
    cr_assert_eq(shape.windows, 1);
    cr_assert_eq(shape.frames, 1 + COUNT / 20);
    float *expected = features_of(0, COUNT, COUNT);
    cr_assert_arr_eq(made, expected, shape.frames * 8 * sizeof *expected);
    free(expected);
    free(made);
    cr_assert_eq(spira_example_shape(&chain, 32, &shape, &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "32 samples are too few for one frame, which needs 33");
    cr_assert_eq(spira_example_shape(&chain, 33, &shape, &err), SPIRA_OK);
}

Test(examples, an_empty_recording_has_none)
{
    struct spira_example_shape shape;
    struct spira_error err;
    cr_assert_eq(spira_example_shape(&chain, 0, &shape, &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "holds no sample");
}

Test(examples, noise_is_the_same_for_a_recording_and_copy_and_other_for_others)
{
    transform.noise.enabled = true;
    struct spira_example_shape shape;
    float *first = examples_new(COUNT, 0, "aa", 0, &shape);
    size_t size = shape.windows * shape.frames * shape.dims * sizeof *first;
    float *again = examples_new(COUNT, 0, "aa", 0, &shape);
    float *copy = examples_new(COUNT, 0, "aa", 1, &shape);
    float *other = examples_new(COUNT, 0, "ab", 0, &shape);
    float *patient = examples_new(COUNT, 1, "aa", 0, &shape);
    transform.noise.enabled = false;
    float *clean = examples_new(COUNT, 0, "aa", 0, &shape);
    cr_assert_arr_eq(first, again, size);
    cr_assert_arr_neq(first, copy, size);
    cr_assert_arr_neq(first, other, size);
    cr_assert_arr_neq(first, patient, size);
    cr_assert_arr_neq(first, clean, size);
    float *made[] = {first, again, copy, other, patient, clean};
    for (size_t i = 0; i < 6; i++)
        free(made[i]);
}

Test(examples, one_workspace_serves_recordings_of_any_length_one_after_the_other)
{
    SPIRA_CLEANUP(spira_examples_done)
    struct spira_examples examples = {0};
    struct spira_error err;
    static const size_t counts[] = {123, COUNT, 400, 1};
    float made[21 * 8];
    for (size_t i = 0; i < 4; i++) {
        struct spira_wave wave = speech_of(counts[i]);
        SPIRA_CLEANUP(spira_example_done)
        struct spira_example example = {0};
        cr_assert_eq(spira_example_init(&chain, &wave, 0, "aa", 0, &example, &err), SPIRA_OK);
        cr_assert_eq(spira_examples_begin(&examples, &chain, &example, &err), SPIRA_OK);
        cr_assert_eq(spira_examples_compute(&examples, &chain, 0, made, &err), SPIRA_OK);
        float *expected = features_of(0, WINDOW, counts[i]);
        cr_assert_arr_eq(made, expected, sizeof made, "recording of %zu samples", counts[i]);
        free(expected);
    }
}

Test(examples, noise_without_a_noise_recording_is_refused)
{
    struct spira_example example = {0};
    struct spira_wave wave = speech_of(COUNT);
    struct spira_error err;
    transform.noise.enabled = true;
    chain.noise_count = 0;
    cr_assert_eq(spira_example_init(&chain, &wave, 0, "aa", 0, &example, &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "noise is asked for, but there is no noise recording");
}

Test(examples, windows_are_the_same_in_any_order_and_with_any_step)
{
    static const double steps[] = {0.1, 0.013, 0.4, 0.55};
    transform.noise.enabled = true;
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        transform.overlap.step_seconds = steps[s];
        struct spira_example_shape shape;
        SPIRA_CLEANUP(spira_free_at)
        float *made = examples_new(COUNT, 1, "aa", 0, &shape);
        SPIRA_CLEANUP(spira_example_done)
        struct spira_example example = {0};
        SPIRA_CLEANUP(spira_examples_done)
        struct spira_examples examples = {0};
        struct spira_wave wave = speech_of(COUNT);
        struct spira_error err;
        float window[21 * 8];
        cr_assert_eq(spira_example_init(&chain, &wave, 1, "aa", 0, &example, &err), SPIRA_OK);
        cr_assert_eq(spira_examples_begin(&examples, &chain, &example, &err), SPIRA_OK);
        for (size_t i = 0; i < 2 * shape.windows; i++) {
            size_t index = i * 5 % shape.windows;
            cr_assert_eq(spira_examples_compute(&examples, &chain, index, window, &err), SPIRA_OK);
            cr_assert_arr_eq(window, made + index * 21 * 8, sizeof window, "step %g, window %zu",
                             steps[s], index);
        }
    }
}

/* An hour of speech is one window, when nothing cuts it. */
Test(examples, a_window_too_long_to_be_held_is_what_it_would_be)
{
    enum { LONG = 2200000, MOST_HELD = 1 << 21 };
    float *samples = spira_alloc(LONG, sizeof *samples);
    struct spira_random random = spira_random_stream(9, SPIRA_FOR_NOISE, 1, 0);
    for (size_t i = 0; i < LONG; i++)
        samples[i] = (float)spira_random_unit(&random) * (i / 1000 == 700 ? 1 : 1e-4F);
    struct spira_wave wave = {.samples = samples, .count = LONG, .rate_hz = RATE};
    SPIRA_CLEANUP(spira_example_done)
    struct spira_example example = {0};
    SPIRA_CLEANUP(spira_examples_done)
    struct spira_examples examples = {0};
    SPIRA_CLEANUP(spira_feature_workspace_done)
    struct spira_feature_workspace workspace = {0};
    struct spira_error err;
    transform.overlap.enabled = false;
    cr_assert_eq(spira_example_init(&chain, &wave, 0, "aa", 0, &example, &err), SPIRA_OK);
    cr_assert_gt(example.shape.parts, 1);
    const size_t values = example.shape.frames * example.shape.dims;
    float *made = spira_alloc(values, sizeof *made), *expected = spira_alloc(values, sizeof *made);
    cr_assert_eq(spira_examples_begin(&examples, &chain, &example, &err), SPIRA_OK);
    cr_assert_eq(spira_examples_compute(&examples, &chain, 0, made, &err), SPIRA_OK);
    cr_assert_lt(examples.capacity, (size_t)MOST_HELD);
    cr_assert_eq(spira_feature_workspace_reserve(&workspace, extractor, LONG, &err), SPIRA_OK);
    spira_feature_extractor_compute(extractor, &workspace, samples, LONG, expected);
    cr_assert_arr_eq(made, expected, values * sizeof *made);
    free(samples);
    free(made);
    free(expected);
}
