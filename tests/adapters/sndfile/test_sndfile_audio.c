#include <criterion/criterion.h>
#include <math.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sndfile/sndfile_audio.h"
#include "core/base/file.h"

enum { RATE = 16000, FRAMES = 8000 };

static char folder[] = "/tmp/spira-test-sndfile-XXXXXX";
static char *path;

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    path = spira_format("%s/recording.wav", folder); /* whatever is inside */
}

static void remove_folder(void)
{
    struct spira_error err;
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
    free(path);
}

TestSuite(sndfile_audio, .init = make_folder, .fini = remove_folder);

static float tone(size_t frame, int channel)
{
    return channel == 0 ? 0.5f * sinf(0.05f * (float)frame) : 0.25f * cosf(0.08f * (float)frame);
}

static void write_audio(int format, int channels, int rate_hz, size_t frames)
{
    SF_INFO info = {.samplerate = rate_hz, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    cr_assert(file, "%s", sf_strerror(NULL));
    float *samples = spira_alloc(frames * (size_t)channels, sizeof *samples);
    for (size_t t = 0; t < frames; t++)
        for (int c = 0; c < channels; c++)
            samples[t * (size_t)channels + (size_t)c] = tone(t, c);
    cr_assert_eq(sf_writef_float(file, samples, (sf_count_t)frames), (sf_count_t)frames);
    free(samples);
    cr_assert_eq(sf_close(file), 0);
}

/* Puts bytes over what is at offset in the file. */
static void overwrite(long offset, const void *bytes, size_t size)
{
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = fopen(path, "r+b");
    cr_assert(file && fseek(file, offset, SEEK_SET) == 0);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
}

static enum spira_code open_audio(struct spira_audio_reader *reader,
                                  struct spira_audio_facts *facts, struct spira_error *err)
{
    return spira_audio_open(spira_audio_source_sndfile(), path, reader, facts, err);
}

static void refused(enum spira_code code, const char *message)
{
    struct spira_error err = {0};
    struct spira_audio_reader reader = {0};
    struct spira_audio_facts facts;
    cr_assert_eq(open_audio(&reader, &facts, &err), code, "got \"%s\"", err.message);
    cr_assert_null(reader.ops);
    cr_assert(strstr(err.message, path) && strstr(err.message, message), "got \"%s\"", err.message);
}

/* Reads to the end in pieces of an odd size; gives the count of frames. */
static enum spira_code read_all(struct spira_audio_reader reader, int channels, float *samples,
                                size_t max_frames, size_t *ret_frames, struct spira_error *err)
{
    enum { PIECE = 777 };
    size_t frames = 0, got = PIECE;
    while (got == PIECE) {
        cr_assert_leq(frames + PIECE, max_frames);
        enum spira_code code =
            spira_audio_read(reader, samples + frames * (size_t)channels, PIECE, &got, err);
        if (code != SPIRA_OK)
            return code;
        frames += got;
    }
    *ret_frames = frames;
    return SPIRA_OK;
}

static void reads(int format, const char *name, int channels, double tolerance)
{
    struct spira_error err = {0};
    write_audio(format, channels, RATE, FRAMES);
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader reader = {0};
    struct spira_audio_facts facts;
    cr_assert_eq(open_audio(&reader, &facts, &err), SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(facts.format, name);
    cr_assert_eq(facts.rate_hz, RATE);
    cr_assert_eq(facts.channels, channels);
    cr_assert_eq(facts.frames, FRAMES);
    static float samples[2 * 2 * FRAMES];
    size_t frames = 0;
    cr_assert_eq(read_all(reader, channels, samples, 2 * FRAMES, &frames, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert_eq(frames, FRAMES);
    double error = 0; /* root mean square: lossy formats may be far off at one sample */
    for (size_t t = 0; t < frames; t++)
        for (int c = 0; c < channels; c++) {
            float sample = samples[t * (size_t)channels + (size_t)c];
            error += pow((double)(sample - tone(t, c)), 2) / (FRAMES * channels);
        }
    cr_assert_lt(sqrt(error), tolerance, "%s: off by %g", name, sqrt(error));
}

Test(sndfile_audio, each_format_is_decoded_and_named)
{
    for (int channels = 1; channels <= 2; channels++) {
        reads(SF_FORMAT_WAV | SF_FORMAT_PCM_16, "wav pcm16", channels, 2e-5);
        reads(SF_FORMAT_WAV | SF_FORMAT_PCM_24, "wav pcm24", channels, 1e-7);
        reads(SF_FORMAT_WAV | SF_FORMAT_PCM_32, "wav pcm32", channels, 1e-8);
        reads(SF_FORMAT_WAV | SF_FORMAT_FLOAT, "wav float", channels, 1e-12);
        reads(SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, "wav pcm16", channels, 2e-5);
        reads(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, "flac", channels, 2e-5);
        reads(SF_FORMAT_FLAC | SF_FORMAT_PCM_24, "flac", channels, 1e-7);
        reads(SF_FORMAT_OGG | SF_FORMAT_VORBIS, "ogg vorbis", channels, 0.02);
        reads(SF_FORMAT_OGG | SF_FORMAT_OPUS, "ogg opus", channels, 0.05);
        reads(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, "mp3", channels, 0.05);
    }
}

Test(sndfile_audio, other_formats_are_refused_by_name)
{
    write_audio(SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1, RATE, FRAMES);
    refused(SPIRA_EINVALID, "WAV (Microsoft), Unsigned 8 bit PCM");
    write_audio(SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 1, RATE, FRAMES);
    refused(SPIRA_EINVALID, "AIFF (Apple/SGI)");
    write_audio(SF_FORMAT_WAV | SF_FORMAT_ULAW, 1, RATE, FRAMES);
    refused(SPIRA_EINVALID, "U-Law");
}

Test(sndfile_audio, what_is_no_audio_is_refused)
{
    struct spira_error err = {0};
    refused(SPIRA_ENOTFOUND, "No such file");
    cr_assert_eq(spira_file_write(path, "", 0, &err), SPIRA_OK);
    refused(SPIRA_EINVALID, "an empty file");
    static const char words[] = "These are words, and a file name does not make them speech.\n";
    cr_assert_eq(spira_file_write(path, words, sizeof words - 1, &err), SPIRA_OK);
    refused(SPIRA_EINVALID, "not audio");
    static const char zeros[4096];
    cr_assert_eq(spira_file_write(path, zeros, sizeof zeros, &err), SPIRA_OK);
    refused(SPIRA_EINVALID, "not audio");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    refused(SPIRA_EINVALID, "not a regular file"); /* and does not wait for its writer */
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    refused(SPIRA_EINVALID, "not a regular file");
}

Test(sndfile_audio, limits_are_checked_before_anything_is_read)
{
    write_audio(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 9, RATE, 10);
    refused(SPIRA_ETOOBIG, "9 channels");
    write_audio(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 3999, 10);
    refused(SPIRA_ETOOBIG, "3999 Hz");
    write_audio(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 192001, 10);
    refused(SPIRA_ETOOBIG, "192001 Hz");
    write_audio(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 4000, 10);
    cr_assert_eq(truncate(path, (off_t)SPIRA_AUDIO_MAX_BYTES + 1), 0);
    refused(SPIRA_ETOOBIG, "536870913 bytes");
}

Test(sndfile_audio, a_header_that_lies_changes_nothing)
{
    struct spira_error err = {0};
    struct spira_audio_facts facts;
    static float samples[4 * FRAMES];
    size_t frames = 0;
    /* A WAV whose data chunk claims almost 4 GiB: what is there is read. */
    write_audio(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, RATE, FRAMES);
    overwrite(40, "\xf0\xff\xff\xff", 4);
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader wav = {0};
    cr_assert_eq(open_audio(&wav, &facts, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(read_all(wav, 1, samples, 2 * FRAMES, &frames, &err), SPIRA_OK);
    cr_assert_eq(frames, FRAMES);
    /* A FLAC whose STREAMINFO claims 2^36 - 1 samples. */
    write_audio(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, RATE, FRAMES);
    overwrite(22, "\xff\xff\xff\xff", 4);
    refused(SPIRA_ETOOLONG, "268435 seconds");
}

Test(sndfile_audio, a_recording_cut_off_ends_where_its_data_ends)
{
    struct spira_error err = {0};
    struct spira_audio_facts facts;
    static float samples[4 * FRAMES];
    size_t frames = 0;
    write_audio(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, RATE, FRAMES);
    cr_assert_eq(truncate(path, 44 + 2 * 1600), 0);
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader wav = {0};
    cr_assert_eq(open_audio(&wav, &facts, &err), SPIRA_OK);
    cr_assert_eq(facts.frames, 1600);
    cr_assert_eq(read_all(wav, 1, samples, 2 * FRAMES, &frames, &err), SPIRA_OK);
    cr_assert_eq(frames, 1600);
}

Test(sndfile_audio, broken_data_is_found_while_reading)
{
    struct spira_error err = {0};
    struct spira_audio_facts facts;
    static float samples[4 * FRAMES];
    size_t frames = 0;
    write_audio(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, RATE, FRAMES);
    struct stat flac_facts;
    cr_assert_eq(stat(path, &flac_facts), 0);
    cr_assert_eq(truncate(path, flac_facts.st_size - 10), 0);
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader flac = {0};
    cr_assert_eq(open_audio(&flac, &facts, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(read_all(flac, 1, samples, 2 * FRAMES, &frames, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "broken after frame"));
    cr_assert(strstr(err.message, path));
}

Test(sndfile_audio, a_sample_that_is_no_number_is_broken_data)
{
    struct spira_error err = {0};
    struct spira_audio_facts facts;
    static float samples[4 * FRAMES];
    size_t frames = 0;
    write_audio(SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1, RATE, FRAMES);
    struct stat wav_facts;
    cr_assert_eq(stat(path, &wav_facts), 0);
    float nan_sample = NAN;
    overwrite((long)wav_facts.st_size - 8, &nan_sample, sizeof nan_sample);
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader wav = {0};
    cr_assert_eq(open_audio(&wav, &facts, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(read_all(wav, 1, samples, 2 * FRAMES, &frames, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "not a finite number"));
}
