/* What every source of audio does. A row of the table brings two functions: how its source is
 * opened, and how a recording comes to be at a path (written as a file, or registered). */
#include <math.h>
#include <sndfile.h>

#include "adapters/flaky/audio_source_flaky.h"
#include "adapters/memory/audio_source_memory.h"
#include "adapters/sndfile/sndfile_audio.h"
#include "tests/contract/contract.h"

struct audio_source_case {
    struct spira_audio_source source;
    struct spira_audio_source memory; /* where record_memory registers */
    void (*record)(struct audio_source_case *, const char *path, const float *samples,
                   int64_t frames, int rate_hz, int channels);
    char folder[64];
};

static void open_scratch(struct audio_source_case *subject)
{
    snprintf(subject->folder, sizeof subject->folder, "/tmp/spira-audio-contract-XXXXXX");
    cr_assert(mkdtemp(subject->folder));
}

static void record_memory(struct audio_source_case *subject, const char *path, const float *samples,
                          int64_t frames, int rate_hz, int channels)
{
    spira_audio_source_memory_add(subject->memory, path, samples, frames, rate_hz, channels);
}

static void open_memory(struct audio_source_case *subject)
{
    open_scratch(subject);
    subject->memory = subject->source = spira_audio_source_memory();
    subject->record = record_memory;
}

/* Without a script: every call goes through. */
static void open_flaky(struct audio_source_case *subject)
{
    open_memory(subject);
    subject->source = spira_audio_source_flaky(subject->memory, NULL, 0);
}

/* As a WAV of floats, which keeps every sample as it is. */
static void record_wav(struct audio_source_case *subject, const char *path, const float *samples,
                       int64_t frames, int rate_hz, int channels)
{
    (void)subject;
    SF_INFO info = {
        .samplerate = rate_hz, .channels = channels, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    cr_assert(file, "%s", sf_strerror(NULL));
    cr_assert_eq(sf_writef_float(file, samples, frames), frames);
    cr_assert_eq(sf_close(file), 0);
}

static void open_sndfile(struct audio_source_case *subject)
{
    open_scratch(subject);
    subject->source = spira_audio_source_sndfile();
    subject->record = record_wav;
}

static void audio_source_close(struct audio_source_case *subject)
{
    spira_audio_source_done(&subject->source);
    must(spira_tree_remove(subject->folder, &err));
}

CONTRACT_ADAPTERS(audio_source, {"memory", open_memory}, {"flaky", open_flaky},
                  {"sndfile", open_sndfile})

enum { FRAMES = 5000 };

/* Records a sound of the test's own under a name in its folder; gives the path. */
static char *record(struct audio_source_case *subject, const char *name, float *samples,
                    int64_t frames, int rate_hz, int channels)
{
    for (int64_t i = 0; i < frames * channels; i++)
        samples[i] = (float)(0.9 * sin(0.01 * (double)i * (1 + (double)(i % channels))));
    char *path = spira_format("%s/%s", subject->folder, name);
    subject->record(subject, path, samples, frames, rate_hz, channels);
    return path;
}

/* Reads all, in pieces of the size given, and compares. */
static void expect_samples(struct spira_audio_reader reader, const float *samples, size_t frames,
                           size_t channels, size_t piece)
{
    SPIRA_CLEANUP(spira_free_at)
    float *got = spira_alloc((piece + 1) * channels, sizeof *got);
    for (size_t done = 0; done < frames;) {
        size_t count = 0;
        must(spira_audio_read(reader, got, piece, &count, &err));
        size_t left = frames - done;
        cr_assert_eq(count, left < piece ? left : piece);
        cr_assert_arr_eq(got, samples + done * channels, count * channels * sizeof *got);
        done += count;
    }
    for (int again = 0; again < 2; again++) {
        size_t count = 7;
        must(spira_audio_read(reader, got, piece, &count, &err));
        cr_assert_eq(count, 0);
    }
}

CONTRACT(audio_source, what_is_recorded_is_read_in_pieces_of_any_size)
{
    static float samples[FRAMES * 3];
    static const size_t pieces[] = {1, 999, FRAMES, FRAMES + 1};
    for (int channels = 1; channels <= 3; channels++) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = record(subject, "sound.wav", samples, FRAMES, 16000, channels);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            SPIRA_CLEANUP(spira_audio_reader_done)
            struct spira_audio_reader reader = {0};
            struct spira_audio_facts facts = {0};
            must(spira_audio_open(subject->source, path, &reader, &facts, &err));
            cr_assert_eq(facts.rate_hz, 16000);
            cr_assert_eq(facts.channels, channels);
            cr_assert_eq(facts.frames, FRAMES);
            cr_assert(facts.format[0]);
            expect_samples(reader, samples, FRAMES, (size_t)channels, pieces[i]);
        }
    }
}

CONTRACT(audio_source, two_recordings_are_read_side_by_side)
{
    static float first[FRAMES], second[FRAMES];
    SPIRA_CLEANUP(spira_free_at)
    char *one = record(subject, "one.wav", first, FRAMES, 8000, 1);
    SPIRA_CLEANUP(spira_free_at)
    char *two = record(subject, "two.wav", second, 100, 48000, 2);
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader a = {0};
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader b = {0};
    struct spira_audio_facts facts_a, facts_b;
    must(spira_audio_open(subject->source, one, &a, &facts_a, &err));
    must(spira_audio_open(subject->source, two, &b, &facts_b, &err));
    cr_assert(facts_a.rate_hz == 8000 && facts_b.rate_hz == 48000);
    float got[100];
    size_t count = 0;
    must(spira_audio_read(a, got, 100, &count, &err));
    cr_assert_arr_eq(got, first, sizeof got);
    expect_samples(b, second, 100, 2, 30);
    must(spira_audio_read(a, got, 100, &count, &err));
    cr_assert_arr_eq(got, first + 100, sizeof got);
}

CONTRACT(audio_source, every_rate_between_the_limits_opens_and_none_outside)
{
    static float samples[100];
    static const int good[] = {SPIRA_AUDIO_MIN_RATE_HZ, 11025, 44100, SPIRA_AUDIO_MAX_RATE_HZ};
    static const int wrong[] = {SPIRA_AUDIO_MIN_RATE_HZ - 1, SPIRA_AUDIO_MAX_RATE_HZ + 1};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = record(subject, "good.wav", samples, 100, good[i], 1);
        SPIRA_CLEANUP(spira_audio_reader_done)
        struct spira_audio_reader reader = {0};
        struct spira_audio_facts facts;
        must(spira_audio_open(subject->source, path, &reader, &facts, &err));
        cr_assert_eq(facts.rate_hz, good[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = record(subject, "wrong.wav", samples, 100, wrong[i], 1);
        struct spira_audio_reader reader = {0};
        struct spira_audio_facts facts;
        must_fail(spira_audio_open(subject->source, path, &reader, &facts, &err), SPIRA_ETOOBIG);
        cr_assert_null(reader.ops);
    }
}

CONTRACT(audio_source, too_many_channels_are_refused)
{
    static float samples[100 * (SPIRA_AUDIO_MAX_CHANNELS + 1)];
    struct spira_audio_facts facts;
    SPIRA_CLEANUP(spira_free_at)
    char *most = record(subject, "most.wav", samples, 100, 16000, SPIRA_AUDIO_MAX_CHANNELS);
    SPIRA_CLEANUP(spira_free_at)
    char *more = record(subject, "more.wav", samples, 100, 16000, SPIRA_AUDIO_MAX_CHANNELS + 1);
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader reader = {0};
    must(spira_audio_open(subject->source, most, &reader, &facts, &err));
    struct spira_audio_reader none = {0};
    must_fail(spira_audio_open(subject->source, more, &none, &facts, &err), SPIRA_ETOOBIG);
    cr_assert_null(none.ops);
}

CONTRACT(audio_source, a_recording_above_an_hour_is_refused)
{
    int64_t frames = (int64_t)SPIRA_AUDIO_MAX_SECONDS * SPIRA_AUDIO_MIN_RATE_HZ + 1;
    SPIRA_CLEANUP(spira_free_at)
    float *samples = spira_alloc((size_t)frames, sizeof *samples);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/long.wav", subject->folder);
    subject->record(subject, path, samples, frames, SPIRA_AUDIO_MIN_RATE_HZ, 1);
    struct spira_audio_reader reader = {0};
    struct spira_audio_facts facts;
    must_fail(spira_audio_open(subject->source, path, &reader, &facts, &err), SPIRA_ETOOLONG);
    cr_assert_null(reader.ops);
}

CONTRACT(audio_source, what_is_not_there_is_not_found)
{
    struct spira_audio_reader reader = {0};
    struct spira_audio_facts facts;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/none.wav", subject->folder);
    must_fail(spira_audio_open(subject->source, path, &reader, &facts, &err), SPIRA_ENOTFOUND);
    cr_assert_null(reader.ops);
}
