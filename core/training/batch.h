/* What the trainer and the evaluation read: recordings, each with its windows.
 * The data loader (core/dataset/loader.h) makes batches from shards; tests make them from arrays.
 */
#ifndef SPIRA_CORE_TRAINING_BATCH_H
#define SPIRA_CORE_TRAINING_BATCH_H

#include "core/base/memory.h"

/* Windows that are looked at together, at most, where nothing asks for more: what a batch takes of
 * the memory does not grow with its recordings. */
enum { SPIRA_WINDOWS_SHOWN = 32 };

/* One training example: features (frames, features) row-major. */
struct spira_window {
    const float *data; /* NULL before it is shown */
    size_t frames;
    float label;      /* 0 to 1; soft under mixture */
    size_t recording; /* index into the loader's recordings */
};

/* Holds until the next load of the same loader; the windows have data once they are shown. */
struct spira_batch {
    const struct spira_window *windows;
    size_t count;
};

struct spira_loader_ops {
    /* Recordings of this role. */
    size_t (*recordings)(void *self);
    /* Says that the load after the next one will have these arguments; the next one, when none was
     * hinted at before. Changes no value, at most when it is made. NULL: of no use to this loader.
     */
    void (*prefetch)(void *self, size_t epoch, const size_t *indices, size_t count);
    /* Fills ret_batch with all windows of these recordings, in this order, as epoch (from 0) sees
     * them: its noise copy, its mixture, padded. The same arguments give the same values. */
    enum spira_code (*load)(void *self, size_t epoch, const size_t *indices, size_t count,
                            struct spira_batch *ret_batch, struct spira_error *err);
    /* Gives count windows of the newest batch, from first on, their data, which holds until the
     * next call. NULL: load gave it to all. */
    enum spira_code (*show)(void *self, size_t first, size_t count, struct spira_error *err);
    /* The recording's name (its digest) and label, for reports. */
    const char *(*name)(void *self, size_t index);
    float (*label)(void *self, size_t index);
    void (*close)(void *self); /* NULL: nothing to close */
};

/* One thread. */
struct spira_loader {
    const struct spira_loader_ops *ops;
    void *self;
};

static inline size_t spira_loader_recordings(struct spira_loader loader)
{
    return loader.ops->recordings(loader.self);
}

SPIRA_MUST_USE static inline enum spira_code
spira_loader_load(struct spira_loader loader, size_t epoch, const size_t *indices, size_t count,
                  struct spira_batch *ret_batch, struct spira_error *err)
{
    return loader.ops->load(loader.self, epoch, indices, count, ret_batch, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_loader_show(struct spira_loader loader, size_t first, size_t count, struct spira_error *err)
{
    return loader.ops->show ? loader.ops->show(loader.self, first, count, err) : SPIRA_OK;
}

static inline void spira_loader_prefetch(struct spira_loader loader, size_t epoch,
                                         const size_t *indices, size_t count)
{
    if (loader.ops->prefetch)
        loader.ops->prefetch(loader.self, epoch, indices, count);
}

/* For SPIRA_CLEANUP; a zeroed loader is fine. */
static inline void spira_loader_done(struct spira_loader *loader)
{
    if (loader->ops && loader->ops->close)
        loader->ops->close(loader->self);
    loader->ops = NULL;
}

#endif
