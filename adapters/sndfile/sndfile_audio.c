#include "adapters/sndfile/sndfile_audio.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* The formats we decode; everything else libsndfile could is attack surface. */
static const struct {
    int format;
    const char *name;
} formats[] = {
    {SF_FORMAT_WAV | SF_FORMAT_PCM_16, "wav pcm16"},
    {SF_FORMAT_WAV | SF_FORMAT_PCM_24, "wav pcm24"},
    {SF_FORMAT_WAV | SF_FORMAT_PCM_32, "wav pcm32"},
    {SF_FORMAT_WAV | SF_FORMAT_FLOAT, "wav float"},
    {SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, "wav pcm16"},
    {SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, "wav pcm24"},
    {SF_FORMAT_WAVEX | SF_FORMAT_PCM_32, "wav pcm32"},
    {SF_FORMAT_WAVEX | SF_FORMAT_FLOAT, "wav float"},
    {SF_FORMAT_FLAC | SF_FORMAT_PCM_S8, "flac"},
    {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, "flac"},
    {SF_FORMAT_FLAC | SF_FORMAT_PCM_24, "flac"},
    {SF_FORMAT_OGG | SF_FORMAT_VORBIS, "ogg vorbis"},
    {SF_FORMAT_OGG | SF_FORMAT_OPUS, "ogg opus"},
    {SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, "mp3"},
};

struct reader {
    char *path;
    int fd;
    SNDFILE *file;
    SF_INFO info;
    int64_t frames_read;
};

static void close_reader(void *self)
{
    struct reader *reader = self;
    if (reader->file)
        sf_close(reader->file);
    spira_close_at(&reader->fd);
    free(reader->path);
    free(reader);
}

static enum spira_code open_file(struct reader *reader, struct spira_error *err)
{
    reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0)
        return spira_fail_errno(err, errno, "%s", reader->path);
    struct stat facts;
    if (fstat(reader->fd, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", reader->path);
    if (!S_ISREG(facts.st_mode))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", reader->path);
    if (facts.st_size == 0)
        return spira_fail(err, SPIRA_EINVALID, "%s: an empty file", reader->path);
    if (facts.st_size > SPIRA_AUDIO_MAX_BYTES)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: %jd bytes, more than the %d allowed",
                          reader->path, (intmax_t)facts.st_size, SPIRA_AUDIO_MAX_BYTES);
    /* By descriptor, so that libsndfile has no name to guess a format from. */
    reader->file = sf_open_fd(reader->fd, SFM_READ, &reader->info, SF_FALSE);
    if (!reader->file)
        return spira_fail(err, SPIRA_EINVALID, "%s: not audio: %s", reader->path,
                          sf_strerror(NULL));
    return SPIRA_OK;
}

static const char *format_name(int format)
{
    format &= SF_FORMAT_TYPEMASK | SF_FORMAT_SUBMASK;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].format == format)
            return formats[i].name;
    return NULL;
}

/* libsndfile's words for a part of a format. */
static const char *describe(int part)
{
    SF_FORMAT_INFO info = {.format = part};
    return sf_command(NULL, SFC_GET_FORMAT_INFO, &info, sizeof info) == 0 && info.name ? info.name
                                                                                       : "unknown";
}

static enum spira_code check_limits(const struct reader *reader, struct spira_error *err)
{
    const SF_INFO *info = &reader->info;
    if (!format_name(info->format))
        return spira_fail(err, SPIRA_EINVALID, "%s: the format %s, %s is not among those read",
                          reader->path, describe(info->format & SF_FORMAT_TYPEMASK),
                          describe(info->format & SF_FORMAT_SUBMASK));
    if (info->samplerate < SPIRA_AUDIO_MIN_RATE_HZ || info->samplerate > SPIRA_AUDIO_MAX_RATE_HZ)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: a rate of %d Hz is outside %d to %d",
                          reader->path, info->samplerate, SPIRA_AUDIO_MIN_RATE_HZ,
                          SPIRA_AUDIO_MAX_RATE_HZ);
    if (info->channels < 1 || info->channels > SPIRA_AUDIO_MAX_CHANNELS)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: %d channels, more than the %d allowed",
                          reader->path, info->channels, SPIRA_AUDIO_MAX_CHANNELS);
    /* SF_COUNT_MAX: the header does not say. */
    if (info->frames > (int64_t)SPIRA_AUDIO_MAX_SECONDS * info->samplerate &&
        info->frames != SF_COUNT_MAX)
        return spira_fail(err, SPIRA_ETOOLONG, "%s: %jd seconds, more than the %d allowed",
                          reader->path, (intmax_t)(info->frames / info->samplerate),
                          SPIRA_AUDIO_MAX_SECONDS);
    return SPIRA_OK;
}

static bool all_finite(const float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(samples[i]))
            return false;
    return true;
}

static enum spira_code read_frames(void *self, float *samples, size_t frames, size_t *ret_frames,
                                   struct spira_error *err)
{
    struct reader *reader = self;
    sf_count_t got = sf_readf_float(reader->file, samples, (sf_count_t)frames);
    if (got < 0 || ((size_t)got < frames && sf_error(reader->file) != SF_ERR_NO_ERROR))
        return spira_fail(err, SPIRA_EINVALID, "%s: broken after frame %jd: %s", reader->path,
                          (intmax_t)(reader->frames_read + (got > 0 ? got : 0)),
                          sf_strerror(reader->file));
    if (!all_finite(samples, (size_t)got * (size_t)reader->info.channels))
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: broken after frame %jd: a sample is not a finite number",
                          reader->path, (intmax_t)reader->frames_read);
    reader->frames_read += got;
    if (reader->frames_read > (int64_t)SPIRA_AUDIO_MAX_SECONDS * reader->info.samplerate)
        return spira_fail(err, SPIRA_ETOOLONG, "%s: longer than the %d seconds allowed",
                          reader->path, SPIRA_AUDIO_MAX_SECONDS);
    *ret_frames = (size_t)got;
    return SPIRA_OK;
}

static const struct spira_audio_reader_ops reader_ops = {.read = read_frames,
                                                         .close = close_reader};

static enum spira_code open_reader(void *self, const char *path,
                                   struct spira_audio_reader *ret_reader,
                                   struct spira_audio_facts *ret_facts, struct spira_error *err)
{
    (void)self;
    struct reader *reader = spira_alloc(1, sizeof *reader);
    *reader = (struct reader){.path = spira_copy_text(path), .fd = -1};
    enum spira_code code = open_file(reader, err);
    if (code == SPIRA_OK)
        code = check_limits(reader, err);
    if (code != SPIRA_OK) {
        close_reader(reader);
        return code;
    }
    *ret_facts = (struct spira_audio_facts){.rate_hz = reader->info.samplerate,
                                            .channels = reader->info.channels,
                                            .frames = reader->info.frames};
    snprintf(ret_facts->format, sizeof ret_facts->format, "%s", format_name(reader->info.format));
    *ret_reader = (struct spira_audio_reader){.ops = &reader_ops, .self = reader};
    return SPIRA_OK;
}

static const struct spira_audio_source_ops source_ops = {.open = open_reader};

struct spira_audio_source spira_audio_source_sndfile(void)
{
    return (struct spira_audio_source){.ops = &source_ops};
}
