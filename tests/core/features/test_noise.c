#include <criterion/criterion.h>
#include <math.h>

#include "core/features/noise.h"

enum { COUNT = 1000 };
static float ramp[5000], quiet[5000], tiny[300];
static const struct spira_wave ramp_wave = {.samples = ramp, .count = 5000},
                               quiet_wave = {.samples = quiet, .count = 5000},
                               tiny_wave = {.samples = tiny, .count = 300};

static void fill_noises(void)
{
    for (size_t i = 0; i < 5000; i++)
        ramp[i] = (float)(i + 1) / 5000;
    for (size_t i = 0; i < 300; i++)
        tiny[i] = (float)(i % 7) - 3.5f;
}

static enum spira_code add(float *samples, const struct spira_wave *noises, size_t noise_count,
                           struct spira_random random, struct spira_error *err)
{
    struct spira_noise_stretch stretch = {0};
    enum spira_code code =
        spira_noise_draw(COUNT, noises, noise_count, 0.1, 0.2, &random, &stretch, err);
    return code == SPIRA_OK ? spira_noise_add(&stretch, 0, COUNT, samples, err) : code;
}

static struct spira_random stream(uint32_t copy)
{
    return spira_noise_stream(42, "00ff", copy);
}

static float signed_maximum(const float *samples)
{
    float maximum = -HUGE_VALF;
    for (size_t i = 0; i < COUNT; i++)
        maximum = fmaxf(maximum, samples[i]);
    return maximum;
}

Test(noise, its_signed_maximum_is_a_level_of_the_range, .init = fill_noises)
{
    double least = 1, most = 0;
    for (uint32_t copy = 0; copy < 200; copy++) {
        float samples[COUNT] = {0};
        struct spira_error err;
        /* tiny's signed maximum is 2.5, its largest absolute value 3.5 */
        cr_assert_eq(add(samples, &tiny_wave, 1, stream(copy), &err), SPIRA_OK);
        double maximum = (double)signed_maximum(samples);
        cr_assert(maximum >= 0.1 - 1e-6 && maximum <= 0.2 + 1e-6);
        least = fmin(least, maximum);
        most = fmax(most, maximum);
    }
    cr_assert_lt(least, 0.11);
    cr_assert_gt(most, 0.19);
}

Test(noise, is_a_stretch_as_it_lies_in_the_recording, .init = fill_noises)
{
    float samples[COUNT] = {0};
    struct spira_error err;
    cr_assert_eq(add(samples, &ramp_wave, 1, stream(0), &err), SPIRA_OK);
    float slope = samples[1] - samples[0];
    for (size_t i = 1; i < COUNT; i++)
        cr_assert_float_eq(samples[i] - samples[i - 1], slope, 1e-6f);
}

Test(noise, starts_anywhere_in_the_recording, .init = fill_noises)
{
    float least = 1, most = 0;
    for (uint32_t copy = 0; copy < 100; copy++) {
        float samples[COUNT] = {0};
        struct spira_error err;
        cr_assert_eq(add(samples, &ramp_wave, 1, stream(copy), &err), SPIRA_OK);
        /* From sample s on the ramp's first and last are as s + 1 to s + COUNT. */
        float share = samples[0] / samples[COUNT - 1];
        float start = (COUNT * share - 1) / (1 - share);
        cr_assert(start > -1 && start < 5000 - COUNT + 1);
        least = fminf(least, start / (5000 - COUNT));
        most = fmaxf(most, start / (5000 - COUNT));
    }
    cr_assert_lt(least, 0.1f);
    cr_assert_gt(most, 0.9f);
}

Test(noise, a_short_one_is_repeated, .init = fill_noises)
{
    float samples[COUNT] = {0};
    struct spira_error err;
    cr_assert_eq(add(samples, &tiny_wave, 1, stream(0), &err), SPIRA_OK);
    for (size_t i = 300; i < COUNT; i++)
        cr_assert_eq(samples[i], samples[i - 300]);
}

Test(noise, is_added_to_the_speech, .init = fill_noises)
{
    float speech[COUNT], silence[COUNT] = {0};
    struct spira_error err;
    for (size_t i = 0; i < COUNT; i++)
        speech[i] = 0.25f;
    cr_assert_eq(add(speech, &ramp_wave, 1, stream(0), &err), SPIRA_OK);
    cr_assert_eq(add(silence, &ramp_wave, 1, stream(0), &err), SPIRA_OK);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_float_eq(speech[i], silence[i] + 0.25f, 1e-6f);
}

Test(noise, may_be_added_part_by_part, .init = fill_noises)
{
    const struct spira_wave *const waves[] = {&ramp_wave, &tiny_wave};
    for (size_t w = 0; w < 2; w++) {
        float whole[COUNT] = {0}, parts[COUNT] = {0};
        struct spira_error err;
        struct spira_random random = stream(0);
        struct spira_noise_stretch stretch = {0};
        cr_assert_eq(spira_noise_draw(COUNT, waves[w], 1, 0.1, 0.2, &random, &stretch, &err),
                     SPIRA_OK);
        cr_assert_eq(spira_noise_add(&stretch, 0, COUNT, whole, &err), SPIRA_OK);
        for (size_t from = 0, count = 1; from < COUNT; from += count, count = 2 * count + 7) {
            count = count < COUNT - from ? count : COUNT - from;
            cr_assert_eq(spira_noise_add(&stretch, from, count, parts + from, &err), SPIRA_OK);
        }
        cr_assert_arr_eq(whole, parts, sizeof whole);
    }
}

Test(noise, is_the_same_from_a_file, .init = fill_noises)
{
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = tmpfile();
    float skipped[3] = {9, 9, 9}, held[COUNT] = {0}, filed[COUNT] = {0};
    cr_assert(file && fwrite(skipped, sizeof skipped, 1, file) == 1);
    cr_assert(fwrite(tiny, sizeof tiny, 1, file) == 1 && fflush(file) == 0);
    const struct spira_wave in_file = {
        .count = 300, .file = fileno(file), .position = sizeof skipped};
    struct spira_error err;
    for (uint32_t copy = 0; copy < 20; copy++) {
        cr_assert_eq(add(held, &tiny_wave, 1, stream(copy), &err), SPIRA_OK);
        cr_assert_eq(add(filed, &in_file, 1, stream(copy), &err), SPIRA_OK, "%s", err.message);
    }
    cr_assert_arr_eq(held, filed, sizeof held);
    const struct spira_wave beyond = {
        .count = 301, .file = fileno(file), .position = sizeof skipped};
    cr_assert_eq(add(filed, &beyond, 1, stream(0), &err), SPIRA_EIO);
}

Test(noise, silent_stretches_are_drawn_again, .init = fill_noises)
{
    struct spira_wave noises[] = {quiet_wave, quiet_wave, quiet_wave, ramp_wave};
    for (uint32_t copy = 0; copy < 20; copy++) {
        float samples[COUNT] = {0};
        struct spira_error err;
        cr_assert_eq(add(samples, noises, 4, stream(copy), &err), SPIRA_OK);
        cr_assert_geq(signed_maximum(samples), 0.1f - 1e-6f);
    }
}

Test(noise, nothing_but_silence_is_an_error_and_changes_nothing, .init = fill_noises)
{
    float samples[COUNT] = {0.5f}, before[COUNT] = {0.5f};
    struct spira_error err;
    for (size_t i = 0; i < 5000; i++)
        quiet[i] = i % 2 ? -0.5f : 0; /* loud, but its signed maximum is 0 */
    cr_assert_eq(add(samples, &quiet_wave, 1, stream(0), &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message,
                     "100 stretches of noise in a row were silent (1 noise recordings)");
    cr_assert_eq(add(samples, NULL, 0, stream(0), &err), SPIRA_EINVALID);
    cr_assert_arr_eq(samples, before, sizeof samples);
}

Test(noise, a_stream_is_named_by_seed_recording_and_copy)
{
    struct spira_random named = spira_noise_stream(42, "00ff", 0), again = named;
    struct spira_random others[] = {spira_noise_stream(43, "00ff", 0),
                                    spira_noise_stream(42, "00fe", 0),
                                    spira_noise_stream(42, "00ff", 1)};
    uint32_t first = spira_random_u32(&named);
    cr_assert_eq(first, spira_random_u32(&again));
    for (size_t i = 0; i < 3; i++)
        cr_assert_neq(first, spira_random_u32(&others[i]));
}

Test(noise, how_many_depends_on_the_label)
{
    struct spira_noise_config config = {.enabled = true, .num_control = 2, .num_patient = 3};
    cr_assert_eq(spira_noise_count(&config, 0), 2);
    cr_assert_eq(spira_noise_count(&config, 1), 3);
    config.enabled = false;
    cr_assert_eq(spira_noise_count(&config, 1), 0);
}
