#include "adapters/memory/audio_source_memory.h"

struct recording {
    char *path;
    float *samples;
    int64_t frames;
    int rate_hz;
    int channels;
};

struct memory_source {
    struct recording *recordings;
    size_t count;
};

struct memory_reader {
    float *samples; /* a copy, so that a recording can be replaced under an open reader */
    size_t frames;
    size_t position;
    size_t channels;
};

static enum spira_code read_frames(void *self, float *samples, size_t frames, size_t *ret_frames,
                                   struct spira_error *err)
{
    (void)err;
    struct memory_reader *reader = self;
    size_t left = reader->frames - reader->position;
    size_t count = frames < left ? frames : left;
    if (count)
        memcpy(samples, reader->samples + reader->position * reader->channels,
               count * reader->channels * sizeof *samples);
    reader->position += count;
    *ret_frames = count;
    return SPIRA_OK;
}

static void close_reader(void *self)
{
    struct memory_reader *reader = self;
    free(reader->samples);
    free(reader);
}

static struct recording *find(const struct memory_source *source, const char *path)
{
    for (size_t i = 0; i < source->count; i++)
        if (strcmp(source->recordings[i].path, path) == 0)
            return &source->recordings[i];
    return NULL;
}

static enum spira_code check_limits(const struct recording *recording, struct spira_error *err)
{
    const char *path = recording->path;
    if (recording->rate_hz < SPIRA_AUDIO_MIN_RATE_HZ ||
        recording->rate_hz > SPIRA_AUDIO_MAX_RATE_HZ)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: rate of %d Hz is not in %d to %d", path,
                          recording->rate_hz, SPIRA_AUDIO_MIN_RATE_HZ, SPIRA_AUDIO_MAX_RATE_HZ);
    if (recording->channels > SPIRA_AUDIO_MAX_CHANNELS)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: %d channels are more than %d", path,
                          recording->channels, SPIRA_AUDIO_MAX_CHANNELS);
    if (recording->frames > (int64_t)SPIRA_AUDIO_MAX_SECONDS * recording->rate_hz)
        return spira_fail(err, SPIRA_ETOOLONG, "%s: longer than %d seconds", path,
                          SPIRA_AUDIO_MAX_SECONDS);
    return SPIRA_OK;
}

static enum spira_code open_recording(void *self, const char *path,
                                      struct spira_audio_reader *ret_reader,
                                      struct spira_audio_facts *ret_facts, struct spira_error *err)
{
    static const struct spira_audio_reader_ops ops = {.read = read_frames, .close = close_reader};
    const struct recording *recording = find(self, path);
    if (!recording)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: no such recording", path);
    enum spira_code code = check_limits(recording, err);
    if (code != SPIRA_OK)
        return code;
    struct memory_reader *reader = spira_alloc(1, sizeof *reader);
    reader->frames = (size_t)recording->frames;
    reader->channels = (size_t)recording->channels;
    size_t count = reader->frames * reader->channels;
    reader->samples = spira_alloc(count, sizeof *reader->samples);
    memcpy(reader->samples, recording->samples, count * sizeof *reader->samples);
    *ret_reader = (struct spira_audio_reader){.ops = &ops, .self = reader};
    *ret_facts = (struct spira_audio_facts){.rate_hz = recording->rate_hz,
                                            .channels = recording->channels,
                                            .frames = recording->frames,
                                            .format = "memory"};
    return SPIRA_OK;
}

static void close_source(void *self)
{
    struct memory_source *source = self;
    for (size_t i = 0; i < source->count; i++) {
        free(source->recordings[i].path);
        free(source->recordings[i].samples);
    }
    free(source->recordings);
    free(source);
}

struct spira_audio_source spira_audio_source_memory(void)
{
    static const struct spira_audio_source_ops ops = {.open = open_recording,
                                                      .close = close_source};
    struct memory_source *source = spira_alloc(1, sizeof *source);
    return (struct spira_audio_source){.ops = &ops, .self = source};
}

void spira_audio_source_memory_add(struct spira_audio_source source, const char *path,
                                   const float *samples, int64_t frames, int rate_hz, int channels)
{
    struct memory_source *memory = source.self;
    struct recording *recording = find(memory, path);
    if (!recording) {
        memory->recordings =
            spira_realloc(memory->recordings, memory->count + 1, sizeof *memory->recordings);
        recording = &memory->recordings[memory->count++];
        *recording = (struct recording){.path = spira_copy_text(path)};
    }
    free(recording->samples);
    size_t count = (size_t)frames * (size_t)channels;
    recording->samples = spira_alloc(count, sizeof *recording->samples);
    if (count)
        memcpy(recording->samples, samples, count * sizeof *recording->samples);
    recording->frames = frames;
    recording->rate_hz = rate_hz;
    recording->channels = channels;
}
