#include "core/audio/wave.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/audio/mono.h"
#include "core/audio/resample.h"

/* Makes room for more samples behind those wave has; *capacity is in samples. */
static enum spira_code grow(struct spira_wave *wave, size_t *capacity, size_t more,
                            const char *path, struct spira_error *err)
{
    size_t needed = wave->count + more;
    if (wave->samples && needed <= *capacity)
        return SPIRA_OK;
    size_t wanted = needed < 2 * *capacity ? 2 * *capacity : needed;
    float *larger = NULL;
    enum spira_code code = spira_big_alloc(&larger, wanted, sizeof *larger, path, err);
    if (code != SPIRA_OK)
        return code;
    if (wave->samples)
        memcpy(larger, wave->samples, wave->count * sizeof *larger);
    free(wave->samples);
    wave->samples = larger;
    *capacity = wanted;
    return SPIRA_OK;
}

/* Where samples go, block by block. */
struct sink {
    struct spira_wave wave;
    size_t capacity; /* of wave.samples */
    float *block;    /* for a file: what the resampler makes of one block */
    size_t block_capacity;
};

static void sink_done(struct sink *sink)
{
    free(sink->wave.samples);
    free(sink->block);
}

/* Gives room for more samples behind those that are there. */
static enum spira_code make_room(struct sink *sink, size_t more, const char *path, bool to_file,
                                 float **ret_room, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    if (!to_file) {
        code = grow(&sink->wave, &sink->capacity, more, path, err);
        if (code == SPIRA_OK)
            *ret_room = sink->wave.samples + sink->wave.count;
        return code;
    }
    if (more > sink->block_capacity) {
        free(sink->block);
        sink->block = NULL;
        sink->block_capacity = more;
        code = spira_big_alloc(&sink->block, more, sizeof *sink->block, path, err);
    }
    *ret_room = sink->block;
    return code;
}

/* Writes all of it. */
static enum spira_code write_samples(const struct spira_wave *wave, const float *samples,
                                     size_t count, const char *path, struct spira_error *err)
{
    const char *at = (const char *)samples;
    int64_t position = wave->position + (int64_t)(wave->count * sizeof *samples);
    for (size_t left = count * sizeof *samples; left > 0;) {
        ssize_t written = pwrite(wave->file, at, left, position);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return spira_fail_errno(err, errno, "%s: keeping what was decoded", path);
        at += written;
        position += written;
        left -= (size_t)written;
    }
    return SPIRA_OK;
}

static enum spira_code read_all(struct spira_mono *mono, struct spira_resampler *resampler,
                                double max_seconds, struct sink *sink, bool to_file,
                                struct spira_error *err)
{
    float block[SPIRA_MONO_BLOCK];
    for (size_t count = 1; count > 0;) {
        float *room = NULL;
        enum spira_code code = spira_mono_read(mono, block, &count, err);
        if (code == SPIRA_OK && (double)mono->samples > max_seconds * mono->facts.rate_hz)
            code = spira_fail(err, SPIRA_ETOOLONG, "%s: longer than %g s", mono->path, max_seconds);
        if (code == SPIRA_OK)
            code = make_room(sink, spira_resampler_room(resampler, count), mono->path, to_file,
                             &room, err);
        if (code != SPIRA_OK)
            return code;
        size_t made = count ? spira_resampler_push(resampler, block, count, room)
                            : spira_resampler_flush(resampler, room);
        if (to_file)
            code = write_samples(&sink->wave, room, made, mono->path, err);
        if (code != SPIRA_OK)
            return code;
        sink->wave.count += made;
    }
    return SPIRA_OK;
}

static enum spira_code decode(struct spira_audio_source source, const char *path,
                              double max_seconds, struct sink *sink, bool to_file,
                              struct spira_audio_facts *ret_facts, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_mono_done)
    struct spira_mono mono = {0};
    enum spira_code code = spira_mono_open(source, path, &mono, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_resampler_free_at)
    struct spira_resampler *resampler = NULL;
    code = spira_resampler_new(mono.facts.rate_hz, sink->wave.rate_hz, &resampler, err);
    if (code == SPIRA_OK)
        code = read_all(&mono, resampler, max_seconds, sink, to_file, err);
    if (code == SPIRA_OK && ret_facts)
        *ret_facts = mono.facts;
    return code;
}

enum spira_code spira_wave_load(struct spira_audio_source source, const char *path, int rate_hz,
                                double max_seconds, struct spira_wave *ret_wave,
                                struct spira_audio_facts *ret_facts, struct spira_error *err)
{
    SPIRA_CLEANUP(sink_done)
    struct sink sink = {.wave = {.rate_hz = rate_hz}};
    enum spira_code code = decode(source, path, max_seconds, &sink, false, ret_facts, err);
    if (code != SPIRA_OK)
        return code;
    *ret_wave = sink.wave;
    sink.wave.samples = NULL;
    return SPIRA_OK;
}

enum spira_code spira_wave_spill(struct spira_audio_source source, const char *path, int rate_hz,
                                 double max_seconds, int file, int64_t position,
                                 struct spira_wave *ret_wave, struct spira_error *err)
{
    SPIRA_CLEANUP(sink_done)
    struct sink sink = {.wave = {.rate_hz = rate_hz, .file = file, .position = position}};
    enum spira_code code = decode(source, path, max_seconds, &sink, true, NULL, err);
    if (code == SPIRA_OK)
        *ret_wave = sink.wave;
    return code;
}

enum spira_code spira_wave_read(const struct spira_wave *wave, size_t from, size_t count,
                                float *ret_samples, struct spira_error *err)
{
    assert(from <= wave->count && count <= wave->count - from);
    if (wave->samples) {
        memcpy(ret_samples, wave->samples + from, count * sizeof *ret_samples);
        return SPIRA_OK;
    }
    char *at = (char *)ret_samples;
    int64_t position = wave->position + (int64_t)(from * sizeof *ret_samples);
    for (size_t left = count * sizeof *ret_samples; left > 0;) {
        ssize_t got = pread(wave->file, at, left, position);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return spira_fail_errno(err, got < 0 ? errno : EIO, "reading what was decoded");
        at += got;
        position += got;
        left -= (size_t)got;
    }
    return SPIRA_OK;
}

enum spira_code spira_wave_count(struct spira_audio_source source, const char *path, int rate_hz,
                                 double max_seconds, size_t *ret_count, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_mono_done)
    struct spira_mono mono = {0};
    enum spira_code code = spira_mono_open(source, path, &mono, err);
    float block[SPIRA_MONO_BLOCK];
    for (size_t count = 1; code == SPIRA_OK && count > 0;) {
        code = spira_mono_read(&mono, block, &count, err);
        if (code == SPIRA_OK && (double)mono.samples > max_seconds * mono.facts.rate_hz)
            code = spira_fail(err, SPIRA_ETOOLONG, "%s: longer than %g s", path, max_seconds);
    }
    if (code == SPIRA_OK)
        *ret_count = spira_resampled_count((size_t)mono.samples, mono.facts.rate_hz, rate_hz);
    return code;
}

void spira_wave_done(struct spira_wave *wave)
{
    free(wave->samples);
    *wave = (struct spira_wave){0};
}
