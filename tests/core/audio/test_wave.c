#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "core/audio/resample.h"
#include "core/audio/wave.h"
#include "tests/core/audio/audio_fake.h"

enum { FRAMES = 10007 };
static float stereo[2 * FRAMES], left[FRAMES];

static void fill_stereo(void)
{
    for (size_t i = 0; i < FRAMES; i++) {
        left[i] = (float)sin(0.01 * (double)i);
        stereo[2 * i] = left[i];
        stereo[2 * i + 1] = 0.5f;
    }
}

Test(wave, channels_are_averaged, .init = fill_stereo)
{
    struct audio_fake fake = {.samples = stereo, .frames = FRAMES, .rate_hz = 8000, .channels = 2};
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave wave = {0};
    struct spira_audio_facts facts;
    struct spira_error err;
    cr_assert_eq(spira_wave_load(audio_fake_source(&fake), "a.wav", 8000, 10, &wave, &facts, &err),
                 SPIRA_OK);
    cr_assert_eq(wave.count, FRAMES);
    cr_assert_eq(wave.rate_hz, 8000);
    for (size_t i = 0; i < FRAMES; i++)
        cr_assert_float_eq(wave.samples[i], (left[i] + 0.5f) / 2, 1e-7f);
    cr_assert_eq(facts.channels, 2);
    cr_assert_eq(fake.open_readers, 0);
}

Test(wave, another_rate_is_resampled_as_a_whole_signal_is, .init = fill_stereo)
{
    struct audio_fake fake = {.samples = left, .frames = FRAMES, .rate_hz = 44100, .channels = 1};
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave wave = {0};
    struct spira_error err;
    cr_assert_eq(spira_wave_load(audio_fake_source(&fake), "a.wav", 16000, 10, &wave, NULL, &err),
                 SPIRA_OK);
    size_t count = spira_resampled_count(FRAMES, 44100, 16000);
    float *expected = spira_alloc(count, sizeof *expected);
    cr_assert_eq(spira_resample(left, FRAMES, 44100, 16000, expected, &err), SPIRA_OK);
    cr_assert_eq(wave.count, count);
    cr_assert_arr_eq(wave.samples, expected, count * sizeof *expected);
    free(expected);
}

Test(wave, in_a_file_it_is_what_it_is_in_memory, .init = fill_stereo)
{
    struct audio_fake fake = {.samples = left, .frames = FRAMES, .rate_hz = 44100, .channels = 1};
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = tmpfile();
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave held = {0};
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave filed = {0};
    struct spira_error err;
    size_t count = 0;
    cr_assert_eq(spira_wave_load(audio_fake_source(&fake), "a.wav", 16000, 10, &held, NULL, &err),
                 SPIRA_OK);
    cr_assert_eq(spira_wave_spill(audio_fake_source(&fake), "a.wav", 16000, 10, fileno(file), 1000,
                                  &filed, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_wave_count(audio_fake_source(&fake), "a.wav", 16000, 10, &count, &err),
                 SPIRA_OK);
    cr_assert(filed.count == held.count && count == held.count);
    cr_assert_null(filed.samples);
    SPIRA_CLEANUP(spira_free_at)
    float *read = spira_alloc(count, sizeof *read);
    cr_assert_eq(spira_wave_read(&filed, 0, count, read, &err), SPIRA_OK);
    cr_assert_arr_eq(read, held.samples, count * sizeof *read);
    cr_assert_eq(spira_wave_read(&filed, 100, 50, read, &err), SPIRA_OK);
    cr_assert_arr_eq(read, held.samples + 100, 50 * sizeof *read);
    cr_assert_eq(spira_wave_read(&held, 100, 50, read, &err), SPIRA_OK);
    cr_assert_arr_eq(read, held.samples + 100, 50 * sizeof *read);
    cr_assert_eq(ftruncate(fileno(file), 1000 + 4 * 120), 0);
    cr_assert_eq(spira_wave_read(&filed, 100, 50, read, &err), SPIRA_EIO);
}

Test(wave, a_file_that_takes_nothing_is_an_error, .init = fill_stereo)
{
    struct audio_fake fake = {.samples = left, .frames = FRAMES, .rate_hz = 8000, .channels = 1};
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *full = fopen("/dev/full", "r+");
    struct spira_wave wave = {0};
    struct spira_error err;
    cr_assert_eq(
        spira_wave_spill(audio_fake_source(&fake), "a.wav", 8000, 10, fileno(full), 0, &wave, &err),
        SPIRA_EIO);
    cr_assert(strstr(err.message, "a.wav"));
}

Test(wave, an_empty_recording_is_an_empty_wave)
{
    struct audio_fake fake = {.samples = stereo, .rate_hz = 44100, .channels = 1};
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave wave = {0};
    struct spira_error err;
    cr_assert_eq(spira_wave_load(audio_fake_source(&fake), "a.wav", 16000, 10, &wave, NULL, &err),
                 SPIRA_OK);
    cr_assert_eq(wave.count, 0);
}

Test(wave, a_sample_that_is_no_number_is_named, .init = fill_stereo)
{
    stereo[2 * 5000] = NAN;
    struct audio_fake fake = {.samples = stereo, .frames = FRAMES, .rate_hz = 8000, .channels = 2};
    struct spira_wave wave = {0};
    struct spira_error err;
    cr_assert_eq(spira_wave_load(audio_fake_source(&fake), "a.wav", 8000, 10, &wave, NULL, &err),
                 SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "a.wav: sample 5000 is not a finite number");
    cr_assert_null(wave.samples);
    cr_assert_eq(fake.open_readers, 0);
}

Test(wave, longer_than_allowed_is_refused, .init = fill_stereo)
{
    struct audio_fake fake = {.samples = left, .frames = FRAMES, .rate_hz = 10007, .channels = 1};
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave wave = {0};
    struct spira_error err;
    struct spira_audio_source source = audio_fake_source(&fake);
    cr_assert_eq(spira_wave_load(source, "a.wav", 8000, 0.99, &wave, NULL, &err), SPIRA_ETOOLONG);
    cr_assert_str_eq(err.message, "a.wav: longer than 0.99 s");
    cr_assert_eq(spira_wave_load(source, "a.wav", 8000, 1, &wave, NULL, &err), SPIRA_OK);
}

Test(wave, a_file_that_breaks_off_with_an_error_leaves_nothing, .init = fill_stereo)
{
    struct audio_fake fake = {
        .samples = left, .frames = FRAMES, .rate_hz = 8000, .channels = 1, .broken_at = 9000};
    struct spira_wave wave = {0};
    struct spira_error err;
    cr_assert_eq(spira_wave_load(audio_fake_source(&fake), "a.wav", 8000, 10, &wave, NULL, &err),
                 SPIRA_EINVALID);
    cr_assert_null(wave.samples);
    cr_assert_eq(fake.open_readers, 0);
}
