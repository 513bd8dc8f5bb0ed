/* A corpus made to break a decoder, through the whole step: each file is rejected with a reason, or
 * accepted as what there is to hear in it, and the intake goes on with the next. */
#include <criterion/criterion.h>
#include <math.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/random.h"
#include "core/ports/audio_source.h"
#include "tests/workers/fixture.h"
#include "tests/workers/wav.h"
#include "workers/audio_intake/audio_intake.h"

enum { RATE_HZ = 16000, FRAMES = 16000, FLOAT_FORMAT = 3, ADPCM_FORMAT = 0x11 };

struct wav {
    struct wav_header header;
    int16_t samples[FRAMES];
};

static struct fixture fixture;
static struct spira_error err;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(hostile, .init = setup, .fini = teardown);

static char *path_of(const char *name)
{
    return spira_format("%s/%s", fixture.inbox, name);
}

static void put(const char *name, const void *data, size_t size)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = path_of(name);
    cr_assert_eq(spira_file_write(path, data, size, &err), SPIRA_OK, "%s", err.message);
}

static int16_t sample_at(size_t frame)
{
    return (int16_t)(10000 * sin(0.1 * (double)frame));
}

/* A second of a tone. */
static struct wav tone(void)
{
    struct wav wav = {.header = wav_header(RATE_HZ, FRAMES)};
    for (size_t i = 0; i < FRAMES; i++)
        wav.samples[i] = sample_at(i);
    return wav;
}

/* Takes a file in and gives the one answer to it; freed by the caller. */
static struct spira_value *take_in(const char *uri, bool *ret_accepted)
{
    struct spira_step_outcome outcome = {0};
    struct spira_value *collected = spira_value_map();
    spira_value_set_text(collected, "recording_id", uri);
    spira_value_set_text(collected, "uri", uri);
    spira_value_set_int(collected, "label", 1);
    const size_t accepted = fixture_count(&fixture, "audio.accepted");
    const size_t rejected = fixture_count(&fixture, "audio.rejected");
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_audio_intake_step,
                                fixture_emit(&fixture, "audio.collected", collected),
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_OK, "%s: %s", uri, err.message);
    cr_assert(fixture_is_clean(&fixture));
    *ret_accepted = fixture_count(&fixture, "audio.accepted") > accepted;
    cr_assert_eq(fixture_count(&fixture, "audio.accepted") +
                     fixture_count(&fixture, "audio.rejected"),
                 accepted + rejected + 1, "%s", uri);
    return *ret_accepted ? fixture_event(&fixture, "audio.accepted", accepted)
                         : fixture_event(&fixture, "audio.rejected", rejected);
}

/* The file is rejected for this reason, and the reason is explained. */
static void expect(const char *uri, const char *reason)
{
    bool accepted = false;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *answer = take_in(uri, &accepted);
    cr_assert_not(accepted, "%s", uri);
    cr_assert_str_eq(spira_value_get_text(answer, "reason", ""), reason, "%s", uri);
    cr_assert_str_neq(spira_value_get_text(answer, "message", ""), "", "%s", uri);
}

/* The file is accepted; gives how long it is. */
static double accepted_seconds(const char *uri)
{
    bool accepted = false;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *answer = take_in(uri, &accepted);
    cr_assert(accepted, "%s: %s", uri, spira_value_get_text(answer, "message", ""));
    return spira_value_as_real(spira_value_find(answer, "facts.seconds"), -1);
}

/* The intake is none the worse for it. */
static void expect_life(void)
{
    const struct wav wav = tone();
    put("good.wav", &wav, sizeof wav);
    cr_assert_float_eq(accepted_seconds("good.wav"), 1, 1e-9);
}

/* Writes seconds of a tone (level 1) or silence (0) and gives the file's bytes. */
static struct spira_bytes encode(const char *name, int format, double level, int seconds)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = path_of(name);
    SF_INFO info = {.samplerate = RATE_HZ, .channels = 1, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    cr_assert(file, "%s", sf_strerror(NULL));
    static float block[FRAMES];
    for (size_t i = 0; i < FRAMES; i++)
        block[i] = (float)(level * sample_at(i) / 32768);
    for (int i = 0; i < seconds; i++)
        cr_assert_eq(sf_writef_float(file, block, FRAMES), FRAMES);
    cr_assert_eq(sf_close(file), 0);
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 100 << 20, &bytes, &err), SPIRA_OK);
    return bytes;
}

Test(hostile, headers_that_lie)
{
    struct wav wav = tone();
    wav.header.data_size = UINT32_MAX;
    wav.header.size = UINT32_MAX;
    put("endless.wav", &wav, sizeof wav);
    cr_assert_float_eq(accepted_seconds("endless.wav"), 1, 1e-9);

    wav = tone();
    put("cut.wav", &wav, sizeof wav.header + 2 * 4000);
    cr_assert_float_eq(accepted_seconds("cut.wav"), 0.25, 1e-9);

    wav = tone();
    wav.header.data_size = (uint32_t)INT32_MAX + 1; /* 2^31 bytes of one of them */
    wav.header.bits = 8;
    wav.header.align = 1;
    put("two_to_31_frames.wav", &wav, sizeof wav);
    expect("two_to_31_frames.wav", "unreadable");
    expect_life();
}

Test(hostile, numbers_no_recording_has)
{
    static const struct {
        const char *name;
        uint32_t rate;
        uint16_t channels, format, bits;
    } headers[] = {
        {"no_rate.wav", 0, 1, 1, 16},
        {"rate_of_1.wav", 1, 1, 1, 16},
        {"rate_of_4g.wav", UINT32_MAX, 1, 1, 16},
        {"no_channel.wav", RATE_HZ, 0, 1, 16},
        {"9_channels.wav", RATE_HZ, 9, 1, 16},
        {"65535_channels.wav", RATE_HZ, 65535, 1, 16},
        {"no_bits.wav", RATE_HZ, 1, 1, 0},
        {"adpcm.wav", RATE_HZ, 1, ADPCM_FORMAT, 4},
        {"no_format.wav", RATE_HZ, 1, 0, 16},
        {"mulaw.wav", RATE_HZ, 1, 7, 8},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct wav wav = tone();
        wav.header.rate = headers[i].rate;
        wav.header.channels = headers[i].channels;
        wav.header.format = headers[i].format;
        wav.header.bits = headers[i].bits;
        wav.header.align = (uint16_t)(headers[i].channels * headers[i].bits / 8);
        wav.header.byte_rate = headers[i].rate * wav.header.align;
        put(headers[i].name, &wav, sizeof wav);
        expect(headers[i].name, "unreadable");
    }
    expect_life();
}

Test(hostile, samples_that_are_no_numbers)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38F};
    static const char *const reasons[] = {"unreadable", "unreadable", "unreadable", "clipped"};
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        struct {
            struct wav_header header;
            float samples[FRAMES];
        } wav = {.header = wav_header(RATE_HZ, FRAMES)};
        wav.header.format = FLOAT_FORMAT;
        wav.header.bits = 32;
        wav.header.align = 4;
        wav.header.byte_rate = 4 * RATE_HZ;
        wav.header.data_size = sizeof wav.samples;
        for (size_t i = 0; i < FRAMES; i++)
            wav.samples[i] = i < FRAMES / 2 ? 0.3F * sinf(0.1F * (float)i) : bad[b];
        put("float.wav", &wav, sizeof wav);
        expect("float.wav", reasons[b]);
    }
    expect_life();
}

Test(hostile, files_that_are_no_recordings, .timeout = 60)
{
    const struct wav wav = tone();
    put("empty.wav", "", 0);
    put("header.wav", &wav, sizeof wav.header);
    put("half_header.wav", &wav, 30);
    put("riff.wav", "RIFF", 4);
    put("text.wav", "no sound at all\n", 16);
    static const char zip[] = "PK\3\4\24\0\0\0\10\0 a zip archive, or so it says";
    put("zip.wav", zip, sizeof zip);
    SPIRA_CLEANUP(spira_free_at)
    char *pipe = path_of("pipe.wav");
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    SPIRA_CLEANUP(spira_free_at)
    char *folder = path_of("folder.wav");
    cr_assert_eq(mkdir(folder, 0700), 0);
    SPIRA_CLEANUP(spira_free_at)
    char *link = path_of("link.wav");
    cr_assert_eq(symlink("/etc/passwd", link), 0);
    SPIRA_CLEANUP(spira_free_at)
    char *large = path_of("large.wav");
    put("large.wav", &wav, sizeof wav);
    cr_assert_eq(truncate(large, (off_t)SPIRA_AUDIO_MAX_BYTES + 1), 0);
    static const struct {
        const char *uri, *reason;
    } files[] = {
        {"empty.wav", "unreadable"},       {"header.wav", "empty"},
        {"half_header.wav", "unreadable"}, {"riff.wav", "unreadable"},
        {"text.wav", "unreadable"},        {"zip.wav", "unreadable"},
        {"pipe.wav", "invalid_uri"},       {"folder.wav", "invalid_uri"},
        {"link.wav", "invalid_uri"},       {"/etc/passwd", "invalid_uri"},
        {"../x.wav", "invalid_uri"},       {"none.wav", "missing"},
        {"large.wav", "too_large"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        expect(files[i].uri, files[i].reason);
    expect_life();
}

/* Small files that are hours long once they are decoded. */
Test(hostile, decompression_bombs, .timeout = 120)
{
    enum { TOTAL_SAMPLES = 21, LONG_S = SPIRA_AUDIO_MAX_SECONDS + 60 };
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes flac = encode("bomb.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 0, LONG_S);
    cr_assert_lt(flac.size, (size_t)2 << 20);
    expect("bomb.flac", "too_long");
    /* The same when its header does not say how long it is. */
    unsigned char *total = (unsigned char *)flac.data + TOTAL_SAMPLES;
    total[0] &= 0xf0;
    memset(total + 1, 0, 4);
    put("silent_bomb.flac", flac.data, flac.size);
    expect("silent_bomb.flac", "too_long");
    expect_life();
}

/* Puts a part of the bytes, or all of them with some bits turned. */
static void put_broken(const char *name, const struct spira_bytes *whole,
                       struct spira_random *random, bool cut)
{
    SPIRA_CLEANUP(spira_free_at)
    unsigned char *bytes = spira_alloc(whole->size, 1);
    memcpy(bytes, whole->data, whole->size);
    const uint64_t turned = cut ? 0 : 1 + spira_random_below(random, 20);
    for (uint64_t i = 0; i < turned; i++)
        bytes[spira_random_below(random, whole->size)] ^=
            (unsigned char)(1U << spira_random_below(random, 8));
    put(name, bytes, cut ? (size_t)spira_random_below(random, whole->size) : whole->size);
}

/* Whatever becomes of these, it is said, and nothing breaks. */
Test(hostile, compressed_files_misnamed_chained_cut_and_scrambled, .timeout = 120)
{
    static const int formats[] = {SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                  SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS,
                                  SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        SPIRA_CLEANUP(spira_bytes_done)
        struct spira_bytes whole = encode("misnamed.wav", formats[f], 1, 2);
        cr_assert_float_eq(accepted_seconds("misnamed.wav"), 2, 0.2, "format %zu", f);
        SPIRA_CLEANUP(spira_free_at)
        char *chained = spira_alloc(2, whole.size);
        memcpy(chained, whole.data, whole.size);
        memcpy(chained + whole.size, whole.data, whole.size);
        put("chained.wav", chained, 2 * whole.size);
        bool accepted = false;
        spira_value_free(take_in("chained.wav", &accepted));
        struct spira_random random = spira_random_stream(f, SPIRA_FOR_NOISE, 0, 0);
        for (size_t i = 0; i < 20; i++) {
            SPIRA_CLEANUP(spira_free_at)
            char *name = spira_format("broken%zu-%zu.wav", f, i);
            put_broken(name, &whole, &random, i % 2);
            spira_value_free(take_in(name, &accepted));
        }
    }
    expect_life();
}
