/* Recordings in memory for tests of core/training: made from numbers, so that every test knows what
 * is in them, and loaded into one buffer, so that nobody can use a batch after the next one. */
#ifndef SPIRA_TESTS_CORE_TRAINING_LOADER_FAKE_H
#define SPIRA_TESTS_CORE_TRAINING_LOADER_FAKE_H

#include <stdlib.h>

#include "core/base/random.h"
#include "core/training/batch.h"

enum { FAKE_FRAMES = 64, FAKE_FEATURES = 4, FAKE_MAX_WINDOWS = 64, FAKE_MAX_LOADED = 1000 };

struct fake_loader {
    size_t recordings;
    size_t frames;    /* of a window */
    uint64_t seed;    /* of the features */
    size_t first;     /* added to the index in names, so that two loaders can differ */
    bool lengths;     /* frames differ from recording to recording (per frame) */
    float soft;       /* labels are this and 1 - this */
    size_t long_one;  /* index of a recording of FAKE_MAX_WINDOWS / 2 windows, or SIZE_MAX */
    size_t empty_one; /* index of one without windows, or SIZE_MAX */
    struct spira_window windows[FAKE_MAX_WINDOWS];
    const float
        *values[FAKE_MAX_WINDOWS]; /* of the windows, which have them while they are shown */
    size_t window_count;
    float *data; /* freshly allocated by each load, so that a tool sees a late use */
    char name[64];
    enum spira_code fails; /* what load answers */
    struct fake_asked {
        size_t epoch, recording;
    } loaded[FAKE_MAX_LOADED], hinted[FAKE_MAX_LOADED]; /* what was asked for, in order */
    size_t loaded_count, hinted_count;
};

/* Even recordings are controls, odd ones patients; the second feature is slow in the one and fast
 * in the other, under noise that changes each epoch. */
static inline float fake_feature(const struct fake_loader *fake, size_t epoch, size_t recording,
                                 size_t window, size_t frame, size_t feature)
{
    struct spira_random random = spira_random_stream(
        fake->seed, SPIRA_FOR_NOISE, ((epoch * 1000 + recording) * 100 + window) * 1000 + frame,
        (uint32_t)feature);
    float noise = (float)spira_random_unit(&random) - 0.5f;
    size_t period = recording % 2 ? 4 : 32;
    float wave = feature == 1 ? (frame + window) % period < period / 2 ? 2.0f : -2.0f : 0.0f;
    return wave + noise;
}

static inline size_t fake_window_count(const struct fake_loader *fake, size_t recording)
{
    if (recording == fake->empty_one)
        return 0;
    if (recording == fake->long_one)
        return FAKE_MAX_WINDOWS / 2;
    return fake->lengths ? 1 : 1 + recording % 3;
}

static inline size_t fake_frames(const struct fake_loader *fake, size_t recording)
{
    return fake->frames + (fake->lengths ? recording % 5 * 7 : 0);
}

static inline size_t fake_recordings(void *self)
{
    return ((struct fake_loader *)self)->recordings;
}

static inline float fake_label(void *self, size_t index)
{
    const struct fake_loader *fake = self;
    return index % 2 ? 1 - fake->soft : fake->soft;
}

static inline const char *fake_name(void *self, size_t index)
{
    struct fake_loader *fake = self;
    snprintf(fake->name, sizeof fake->name, "recording-%zu", fake->first + index);
    return fake->name;
}

static inline void fake_prefetch(void *self, size_t epoch, const size_t *indices, size_t count)
{
    struct fake_loader *fake = self;
    for (size_t i = 0; i < count && fake->hinted_count < FAKE_MAX_LOADED; i++)
        fake->hinted[fake->hinted_count++] = (struct fake_asked){epoch, indices[i]};
}

static inline enum spira_code fake_load(void *self, size_t epoch, const size_t *indices,
                                        size_t count, struct spira_batch *ret_batch,
                                        struct spira_error *err)
{
    struct fake_loader *fake = self;
    if (fake->fails != SPIRA_OK)
        return spira_fail(err, fake->fails, "the shard is gone");
    size_t values = 0, windows = 0;
    for (size_t i = 0; i < count; i++) {
        values += fake_window_count(fake, indices[i]) * fake_frames(fake, indices[i]);
        if (fake->loaded_count < FAKE_MAX_LOADED)
            fake->loaded[fake->loaded_count++] = (struct fake_asked){epoch, indices[i]};
    }
    free(fake->data);
    fake->data = spira_alloc(values * FAKE_FEATURES, sizeof *fake->data);
    float *next = fake->data;
    for (size_t i = 0; i < count; i++)
        for (size_t w = 0; w < fake_window_count(fake, indices[i]); w++) {
            if (windows == FAKE_MAX_WINDOWS)
                abort();
            size_t frames = fake_frames(fake, indices[i]);
            fake->values[windows] = next;
            fake->windows[windows++] = (struct spira_window){
                .frames = frames, .label = fake_label(fake, indices[i]), .recording = indices[i]};
            for (size_t frame = 0; frame < frames; frame++)
                for (size_t feature = 0; feature < FAKE_FEATURES; feature++)
                    *next++ = fake_feature(fake, epoch, indices[i], w, frame, feature);
        }
    fake->window_count = windows;
    *ret_batch = (struct spira_batch){.windows = fake->windows, .count = windows};
    return SPIRA_OK;
}

static inline enum spira_code fake_show(void *self, size_t first, size_t count,
                                        struct spira_error *err)
{
    struct fake_loader *fake = self;
    if (first + count > fake->window_count)
        return spira_fail(err, SPIRA_EINVALID, "the batch has %zu windows", fake->window_count);
    for (size_t i = 0; i < fake->window_count; i++)
        fake->windows[i].data = i >= first && i < first + count ? fake->values[i] : NULL;
    return SPIRA_OK;
}

static inline void fake_close(void *self)
{
    struct fake_loader *fake = self;
    free(fake->data);
    fake->data = NULL;
}

static const struct spira_loader_ops fake_loader_ops = {
    .recordings = fake_recordings,
    .prefetch = fake_prefetch,
    .load = fake_load,
    .show = fake_show,
    .name = fake_name,
    .label = fake_label,
    .close = fake_close,
};

static inline struct fake_loader fake_loader_of(size_t recordings, uint64_t seed)
{
    return (struct fake_loader){

        .recordings = recordings,
        .frames = FAKE_FRAMES,
        .seed = seed,
        .long_one = SIZE_MAX,
        .empty_one = SIZE_MAX};
}

static inline struct spira_loader fake_loader_port(struct fake_loader *fake)
{
    return (struct spira_loader){.ops = &fake_loader_ops, .self = fake};
}

#endif
