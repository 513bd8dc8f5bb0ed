/* An audio source that plays one array, for tests of core/audio: core tests link no adapter. */
#ifndef SPIRA_TESTS_CORE_AUDIO_AUDIO_FAKE_H
#define SPIRA_TESTS_CORE_AUDIO_AUDIO_FAKE_H

#include <stdbool.h>
#include <stdlib.h>

#include "core/ports/audio_source.h"

struct audio_fake {
    const float *samples; /* (frames, channels) */
    int64_t frames;
    int rate_hz, channels;
    enum spira_code open_code; /* what open answers, unless SPIRA_OK */
    int64_t broken_at;         /* reading past this frame fails, unless 0 */
    bool endless;              /* and says that it is too long */
    int64_t position;
    int open_readers;
};

static enum spira_code fake_read(void *self, float *samples, size_t frames, size_t *ret_frames,
                                 struct spira_error *err)
{
    struct audio_fake *fake = self;
    int64_t left = fake->frames - fake->position;
    size_t count = left < (int64_t)frames ? (size_t)left : frames;
    if (fake->broken_at && fake->position + (int64_t)count > fake->broken_at)
        return fake->endless
                   ? spira_fail(err, SPIRA_ETOOLONG, "longer than an hour")
                   : spira_fail(err, SPIRA_EINVALID, "broken at frame %d", (int)fake->broken_at);
    size_t channels = (size_t)fake->channels;
    for (size_t i = 0; i < count * channels; i++)
        samples[i] = fake->samples[(size_t)fake->position * channels + i];
    fake->position += (int64_t)count;
    *ret_frames = count;
    return SPIRA_OK;
}

static void fake_reader_close(void *self)
{
    ((struct audio_fake *)self)->open_readers--;
}

static enum spira_code fake_open(void *self, const char *path,
                                 struct spira_audio_reader *ret_reader,
                                 struct spira_audio_facts *ret_facts, struct spira_error *err)
{
    static const struct spira_audio_reader_ops ops = {fake_read, fake_reader_close};
    struct audio_fake *fake = self;
    if (fake->open_code != SPIRA_OK)
        return spira_fail(err, fake->open_code, "%s: cannot be opened", path);
    fake->position = 0;
    fake->open_readers++;
    *ret_reader = (struct spira_audio_reader){&ops, fake};
    *ret_facts = (struct spira_audio_facts){.rate_hz = fake->rate_hz,
                                            .channels = fake->channels,
                                            .frames = fake->frames,
                                            .format = "fake"};
    return SPIRA_OK;
}

static struct spira_audio_source audio_fake_source(struct audio_fake *fake)
{
    static const struct spira_audio_source_ops ops = {fake_open, NULL};
    return (struct spira_audio_source){&ops, fake};
}

#endif
