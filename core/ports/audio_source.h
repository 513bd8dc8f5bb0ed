/* Port: decoded audio (the thesis's AudiosRepository).
 * Adapters: adapters/sndfile (WAV, FLAC, Ogg Vorbis and Opus, MP3), adapters/memory,
 * adapters/flaky. */
#ifndef SPIRA_CORE_PORTS_AUDIO_SOURCE_H
#define SPIRA_CORE_PORTS_AUDIO_SOURCE_H

#include <stdint.h>

#include "core/base/memory.h"

struct spira_audio_facts {
    int rate_hz;
    int channels;
    int64_t frames;  /* as the header says; reading decides */
    char format[32]; /* "wav pcm16", "flac", "ogg vorbis", "mp3" */
};

struct spira_audio_reader_ops {
    /* Fills samples with up to frames * channels interleaved values, full scale 1; ret_frames <
     * frames only at the end. SPIRA_EINVALID: the data is broken there. SPIRA_ETOOLONG: more than
     * 1 hour, whatever the header says. */
    enum spira_code (*read)(void *self, float *samples, size_t frames, size_t *ret_frames,
                            struct spira_error *err);
    void (*close)(void *self);
};

/* One open recording. One thread at a time. */
struct spira_audio_reader {
    const struct spira_audio_reader_ops *ops;
    void *self;
};

struct spira_audio_source_ops {
    /* Opens path. SPIRA_ENOTFOUND: no such file. SPIRA_EINVALID: not audio this can decode.
     * SPIRA_ETOOBIG: above 512 MiB, 8 channels or outside 4 to 192 kHz; SPIRA_ETOOLONG: its header
     * says more than 1 hour (SPIRA_AUDIO_MAX_...). Gives ret_reader. */
    enum spira_code (*open)(void *self, const char *path, struct spira_audio_reader *ret_reader,
                            struct spira_audio_facts *ret_facts, struct spira_error *err);
    void (*close)(void *self);
};

/* Safe for any number of threads. */
struct spira_audio_source {
    const struct spira_audio_source_ops *ops;
    void *self;
};

enum {
    SPIRA_AUDIO_MIN_RATE_HZ = 4000,
    SPIRA_AUDIO_MAX_RATE_HZ = 192000,
    SPIRA_AUDIO_MAX_CHANNELS = 8,
    SPIRA_AUDIO_MAX_SECONDS = 3600,
    SPIRA_AUDIO_MAX_BYTES = 512 << 20
};

SPIRA_MUST_USE static inline enum spira_code spira_audio_open(struct spira_audio_source source,
                                                              const char *path,
                                                              struct spira_audio_reader *ret_reader,
                                                              struct spira_audio_facts *ret_facts,
                                                              struct spira_error *err)
{
    return source.ops->open(source.self, path, ret_reader, ret_facts, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_audio_read(struct spira_audio_reader reader,
                                                              float *samples, size_t frames,
                                                              size_t *ret_frames,
                                                              struct spira_error *err)
{
    return reader.ops->read(reader.self, samples, frames, ret_frames, err);
}

/* For SPIRA_CLEANUP; a zeroed reader is fine. */
static inline void spira_audio_reader_done(struct spira_audio_reader *reader)
{
    if (reader->ops)
        reader->ops->close(reader->self);
    reader->ops = NULL;
}

static inline void spira_audio_source_done(struct spira_audio_source *source)
{
    if (source->ops && source->ops->close)
        source->ops->close(source->self);
    source->ops = NULL;
}

#endif
