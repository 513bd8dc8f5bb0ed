/* How batches are made of the recordings of one role: which part of which shard, padded, mixed, one
 * noise copy an epoch. It holds a few hundred bytes a recording and no features: those are in the
 * shards, and of a batch in its spira_composed. */
#ifndef SPIRA_CORE_DATASET_COMPOSITION_H
#define SPIRA_CORE_DATASET_COMPOSITION_H

#include "core/base/file_view.h"
#include "core/base/value.h"
#include "core/dataset/loader.h"
#include "core/ports/digest.h"

struct spira_composition_recording {
    struct spira_sha256 name;
    float label;
    int64_t shard;
    size_t windows, frames, copies;
    size_t first_window; /* among all windows of the role */
    size_t *offsets;     /* of each copy (windows, frames, features) in the shard */
};

/* The batches of one role. One thread at a time; stays where it is. */
struct spira_composition {
    struct spira_loader_options options;
    struct spira_mixture_config mixture;
    char *folder;
    size_t features;
    struct spira_composition_recording *recordings;
    size_t count, windows;
    size_t most_frames; /* of a window in a batch */
    /* Mixture: the pairing of one epoch. */
    size_t paired_epoch; /* of order; SIZE_MAX: none yet */
    size_t *order;       /* position -> window */
    size_t *position;    /* window -> position */
    size_t *owner;       /* window -> recording */
};

/* Where a window of a batch comes from. */
struct spira_window_source {
    size_t window;  /* among all windows of the role */
    size_t partner; /* that it is mixed with; SIZE_MAX: none */
    float share;    /* of its own values in the mixture */
};

/* A batch and what it holds; zeroed at first. */
struct spira_composed {
    size_t epoch;
    struct spira_window *windows;
    struct spira_window_source *sources; /* of each window */
    size_t count, window_room;
    size_t shown_first, shown_count; /* the windows that have data */
    float *values;                   /* of windows that are padded or mixed */
    size_t value_room;
    struct spira_file_view *views; /* of windows that are shown as they are */
    size_t view_count, view_room;
};

/* Codes of spira_dataset_loader, whose arguments these are. Fills ret_composition, also on a
 * failure. */
SPIRA_MUST_USE enum spira_code
spira_composition_init(struct spira_tensors tensors, const struct spira_value *dataset,
                       const char *folder, const struct spira_loader_options *options,
                       struct spira_composition *ret_composition, struct spira_error *err);
void spira_composition_done(struct spira_composition *composition);

/* Bytes of the features of these recordings in a batch. */
size_t spira_composition_bytes(const struct spira_composition *composition, const size_t *indices,
                               size_t count);

/* Fills composed with the windows of these recordings, as spira_loader_load does a batch, none of
 * them with data; what was in it is gone. */
void spira_compose(struct spira_composition *composition, size_t epoch, const size_t *indices,
                   size_t count, struct spira_composed *composed);

/* Gives count windows of the batch, from first on, their data, and no others. Any thread, also
 * while another composes another batch. SPIRA_ENOMEMORY, codes of spira_file_view_open; no window
 * has data then. */
SPIRA_MUST_USE enum spira_code spira_composed_show(const struct spira_composition *composition,
                                                   struct spira_composed *composed, size_t first,
                                                   size_t count, struct spira_error *err);

/* Lets go of the windows and the shards. */
void spira_composed_release(struct spira_composed *composed);
void spira_composed_done(struct spira_composed *composed);

#endif
