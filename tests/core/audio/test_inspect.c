#include <criterion/criterion.h>
#include <math.h>

#include "core/audio/inspect.h"
#include "tests/core/audio/audio_fake.h"

enum { RATE = 16000, FRAMES = RATE };
static float samples[FRAMES];

static void fill_tone(double height)
{
    for (size_t i = 0; i < FRAMES; i++)
        samples[i] = (float)(height * sin(2 * M_PI * 1000 * (double)i / RATE));
}

static struct audio_fake recording(void)
{
    return (struct audio_fake){
        .samples = samples, .frames = FRAMES, .rate_hz = RATE, .channels = 1};
}

/* Inspects by the limits of intake; measures may be NULL. */
static struct spira_audio_verdict inspect(struct audio_fake fake,
                                          struct spira_audio_measures *measures)
{
    struct spira_audio_measures unused;
    struct spira_audio_verdict verdict;
    struct spira_error err;
    cr_assert_eq(spira_audio_inspect(audio_fake_source(&fake), "a.wav", &spira_audio_intake_limits,
                                     measures ? measures : &unused, &verdict, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(fake.open_readers, 0);
    return verdict;
}

Test(inspect, measures_a_tone)
{
    fill_tone(0.5);
    for (size_t i = 0; i < FRAMES * 3 / 10; i++)
        samples[i] = 0;
    struct spira_audio_measures measures;
    struct spira_audio_verdict verdict = inspect(recording(), &measures);
    cr_assert_eq(verdict.reason, SPIRA_AUDIO_OK);
    cr_assert_str_eq(verdict.text, "");
    cr_assert_eq(measures.frames, FRAMES);
    cr_assert_float_eq(measures.seconds, 1, 1e-12);
    cr_assert_float_eq(measures.peak, 0.5, 1e-6);
    cr_assert_float_eq(measures.rms_dbfs, 10 * log10(0.7 * 0.5 * 0.5 * 0.5), 1e-4);
    cr_assert_float_eq(measures.silent_share, 0.3, 1e-12);
    cr_assert_eq(measures.clipped_share, 0);
    cr_assert_eq(measures.rate_hz, RATE);
    cr_assert_str_eq(measures.format, "fake");
}

Test(inspect, only_runs_of_three_count_as_clipped)
{
    fill_tone(0.5);
    samples[10] = samples[11] = 1; /* two: loud, not clipped */
    samples[20] = samples[21] = samples[22] = -1;
    samples[30] = samples[31] = samples[32] = samples[33] = 0.999f;
    struct spira_audio_measures measures;
    cr_assert_eq(inspect(recording(), &measures).reason, SPIRA_AUDIO_OK);
    cr_assert_float_eq(measures.clipped_share, 7.0 / FRAMES, 1e-12);
}

Test(inspect, the_last_short_frame_counts_for_silence)
{
    fill_tone(0.5);
    struct audio_fake fake = recording();
    fake.frames = 330; /* one frame of 320 and 10 samples */
    for (size_t i = 320; i < 330; i++)
        samples[i] = 0;
    struct spira_audio_measures measures;
    inspect(fake, &measures);
    cr_assert_float_eq(measures.silent_share, 0.5, 1e-12);
}

Test(inspect, each_fault_has_its_reason)
{
    fill_tone(0.0005);
    cr_assert_eq(inspect(recording(), NULL).reason, SPIRA_AUDIO_SILENT);
    fill_tone(0.002);
    struct spira_audio_verdict quiet = inspect(recording(), NULL);
    cr_assert_eq(quiet.reason, SPIRA_AUDIO_TOO_QUIET);
    cr_assert_str_eq(quiet.text, "-57.0 dBFS is below -55 dBFS");
    for (size_t i = 0; i < FRAMES; i++)
        samples[i] = i % 10 < 3 ? 1 : -0.2f;
    struct spira_audio_verdict clipped = inspect(recording(), NULL);
    cr_assert_eq(clipped.reason, SPIRA_AUDIO_CLIPPED);
    cr_assert_str_eq(clipped.text, "30.0 % of its samples are clipped, above 10 %");
    struct audio_fake empty = recording();
    empty.frames = 0;
    cr_assert_eq(inspect(empty, NULL).reason, SPIRA_AUDIO_EMPTY);
    struct audio_fake broken = recording();
    broken.broken_at = 5000;
    struct spira_audio_verdict unreadable = inspect(broken, NULL);
    cr_assert_eq(unreadable.reason, SPIRA_AUDIO_UNREADABLE);
    cr_assert_str_eq(unreadable.text, "broken at frame 5000");
}

Test(inspect, too_long_is_said_whether_the_header_tells_or_the_decoder_finds_it)
{
    fill_tone(0.5);
    struct audio_fake honest = recording();
    honest.open_code = SPIRA_ETOOLONG;
    cr_assert_eq(inspect(honest, NULL).reason, SPIRA_AUDIO_TOO_LONG);
    struct audio_fake lying = recording();
    lying.broken_at = 5000;
    lying.endless = true;
    struct spira_audio_verdict verdict = inspect(lying, NULL);
    cr_assert_eq(verdict.reason, SPIRA_AUDIO_TOO_LONG);
    cr_assert_str_eq(verdict.text, "longer than an hour");
}

Test(inspect, lengths_are_judged_by_the_limits_given)
{
    struct spira_audio_limits limits = spira_audio_intake_limits;
    struct spira_audio_measures measures = {
        .rate_hz = RATE, .frames = 1600, .seconds = 0.1, .peak = 0.5, .rms_dbfs = -20};
    cr_assert_eq(spira_audio_judge(&measures, &limits).reason, SPIRA_AUDIO_OK);
    limits.min_seconds = 0.5;
    struct spira_audio_verdict verdict = spira_audio_judge(&measures, &limits);
    cr_assert_eq(verdict.reason, SPIRA_AUDIO_TOO_SHORT);
    cr_assert_str_eq(verdict.text, "0.100 s is shorter than 0.5 s");
    measures.seconds = 11;
    limits.max_seconds = 10;
    cr_assert_eq(spira_audio_judge(&measures, &limits).reason, SPIRA_AUDIO_TOO_LONG);
}

Test(inspect, a_recording_that_cannot_be_opened_is_a_reason_but_a_missing_one_is_not)
{
    struct audio_fake fake = recording();
    fake.open_code = SPIRA_ETOOBIG;
    cr_assert_eq(inspect(fake, NULL).reason, SPIRA_AUDIO_UNREADABLE);
    static const enum spira_code codes[] = {SPIRA_ENOTFOUND, SPIRA_EIO, SPIRA_ENOMEMORY};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct spira_audio_measures measures = {.channels = 77};
        struct spira_audio_verdict verdict;
        struct spira_error err;
        fake.open_code = codes[i];
        cr_assert_eq(spira_audio_inspect(audio_fake_source(&fake), "a.wav",
                                         &spira_audio_intake_limits, &measures, &verdict, &err),
                     codes[i]);
        cr_assert_str_eq(err.message, "a.wav: cannot be opened");
        cr_assert_eq(measures.channels, 77);
    }
}

Test(inspect, reasons_have_names)
{
    cr_assert_str_eq(spira_audio_reason_name(SPIRA_AUDIO_TOO_SHORT), "too_short");
    cr_assert_str_eq(spira_audio_reason_text(SPIRA_AUDIO_EMPTY), "holds no sample");
}
