#include "core/dataset/loader.h"

#include "core/base/random.h"
#include "core/dataset/shard.h"

struct recording {
    struct spira_sha256 name;
    float label;
    size_t windows, frames, copies;
    size_t first_window; /* among all windows of the role */
    const float **copy;  /* one (windows, frames, features) each */
};

struct loader {
    struct spira_loader_options options;
    struct spira_mixture_config mixture;
    size_t features;
    struct recording *recordings;
    size_t count, windows;
    struct spira_tensor_file *shards;
    size_t shard_count;
    /* The newest batch. */
    struct spira_window *batch;
    size_t batch_capacity;
    float *composed; /* windows that are padded or mixed */
    size_t composed_capacity;
    /* Mixture: the pairing of one epoch. */
    size_t paired_epoch; /* of order; SIZE_MAX: none yet */
    size_t *order;       /* position -> window */
    size_t *position;    /* window -> position */
    size_t *owner;       /* window -> recording */
};

static size_t recordings(void *self)
{
    return ((struct loader *)self)->count;
}

static const char *name(void *self, size_t index)
{
    return ((struct loader *)self)->recordings[index].name.hex;
}

static float label(void *self, size_t index)
{
    return ((struct loader *)self)->recordings[index].label;
}

static const float *window_data(const struct loader *loader, const struct recording *recording,
                                size_t window, size_t epoch)
{
    const float *copy = recording->copy[epoch % recording->copies];
    return copy + window * recording->frames * loader->features;
}

/* One random permutation an epoch pairs the windows: neighbours at even and odd positions. */
static void pair_windows(struct loader *loader, size_t epoch)
{
    if (loader->paired_epoch == epoch)
        return;
    struct spira_random random =
        spira_random_stream(loader->options.seed, SPIRA_FOR_MIXTURE, epoch, 0);
    spira_random_permutation(&random, loader->windows, loader->order);
    for (size_t i = 0; i < loader->windows; i++)
        loader->position[loader->order[i]] = i;
    loader->paired_epoch = epoch;
}

/* The frames a window of this recording has in a batch. */
static size_t frames_shown(const struct loader *loader, const struct recording *recording)
{
    return loader->options.padded_frames ? loader->options.padded_frames : recording->frames;
}

/* to (frames, features) += weight * the window, as much of it as fits. */
static void add_window(const struct loader *loader, const struct recording *recording,
                       const float *data, float weight, size_t frames, float *to)
{
    size_t shown = recording->frames < frames ? recording->frames : frames;
    for (size_t i = 0; i < shown * loader->features; i++)
        to[i] += weight * data[i];
}

/* Mixture (SPIRA.md): a and b become p a + (1-p) b and (1-p) a + p b, each in its own place, labels
 * likewise. */
static struct spira_window mix(struct loader *loader, size_t index, size_t window, size_t epoch,
                               float *to)
{
    const struct recording *own = &loader->recordings[index];
    size_t position = loader->position[own->first_window + window];
    size_t partner = loader->order[position ^ 1];
    size_t other_index = loader->owner[partner];
    const struct recording *other = &loader->recordings[other_index];
    struct spira_random random = spira_random_stream(loader->options.seed, SPIRA_FOR_MIXTURE, epoch,
                                                     (uint32_t)(position / 2 + 1));
    float share = (float)spira_random_beta(&random, loader->mixture.alpha, loader->mixture.beta);
    size_t frames = frames_shown(loader, own);
    if (frames < frames_shown(loader, other))
        frames = frames_shown(loader, other);
    memset(to, 0, frames * loader->features * sizeof *to);
    add_window(loader, own, window_data(loader, own, window, epoch), share, frames, to);
    add_window(loader, other, window_data(loader, other, partner - other->first_window, epoch),
               1 - share, frames, to);
    return (struct spira_window){
        .data = to,
        .frames = frames,
        .label = share * own->label + (1 - share) * other->label,
        .recording = index,
    };
}

static bool is_mixed(const struct loader *loader, const struct recording *recording, size_t window)
{
    return loader->options.mixture &&
           (loader->position[recording->first_window + window] ^ 1) < loader->windows;
}

static struct spira_window compose(struct loader *loader, size_t index, size_t window, size_t epoch,
                                   float *to)
{
    const struct recording *own = &loader->recordings[index];
    if (is_mixed(loader, own, window))
        return mix(loader, index, window, epoch, to);
    size_t frames = frames_shown(loader, own);
    const float *data = window_data(loader, own, window, epoch);
    if (own->frames < frames) {
        memset(to, 0, frames * loader->features * sizeof *to);
        add_window(loader, own, data, 1, frames, to);
        data = to;
    }
    return (struct spira_window){
        .data = data, .frames = frames, .label = own->label, .recording = index};
}

/* Room for the windows of these recordings; composed windows have at most most_frames. */
static enum spira_code reserve(struct loader *loader, const size_t *indices, size_t count,
                               size_t *ret_stride, struct spira_error *err)
{
    size_t windows = 0, most_frames = loader->options.padded_frames;
    for (size_t i = 0; i < count; i++)
        windows += loader->recordings[indices[i]].windows;
    for (size_t i = 0; i < loader->count && !loader->options.padded_frames; i++)
        if (loader->recordings[i].frames > most_frames)
            most_frames = loader->recordings[i].frames;
    if (windows > loader->batch_capacity) {
        loader->batch = spira_realloc(loader->batch, windows, sizeof *loader->batch);
        loader->batch_capacity = windows;
    }
    bool composes = loader->options.mixture || loader->options.padded_frames;
    size_t stride = composes ? most_frames * loader->features : 0;
    if (windows * stride > loader->composed_capacity) {
        float *composed;
        enum spira_code code =
            spira_big_alloc(&composed, windows * stride, sizeof *composed, "a batch", err);
        if (code != SPIRA_OK)
            return code;
        free(loader->composed);
        loader->composed = composed;
        loader->composed_capacity = windows * stride;
    }
    *ret_stride = stride;
    return SPIRA_OK;
}

static enum spira_code load(void *self, size_t epoch, const size_t *indices, size_t count,
                            struct spira_batch *ret_batch, struct spira_error *err)
{
    struct loader *loader = self;
    size_t stride;
    enum spira_code code = reserve(loader, indices, count, &stride, err);
    if (code != SPIRA_OK)
        return code;
    if (loader->options.mixture)
        pair_windows(loader, epoch);
    size_t filled = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t window = 0; window < loader->recordings[indices[i]].windows; window++, filled++)
            loader->batch[filled] =
                compose(loader, indices[i], window, epoch, loader->composed + filled * stride);
    *ret_batch = (struct spira_batch){.windows = loader->batch, .count = filled};
    return SPIRA_OK;
}

static void close_loader(void *self)
{
    struct loader *loader = self;
    for (size_t i = 0; i < loader->count; i++)
        free(loader->recordings[i].copy);
    for (size_t i = 0; i < loader->shard_count; i++)
        spira_tensor_file_done(&loader->shards[i]);
    free(loader->recordings);
    free(loader->shards);
    free(loader->batch);
    free(loader->composed);
    free(loader->order);
    free(loader->position);
    free(loader->owner);
    free(loader);
}

static const struct spira_loader_ops ops = {
    .recordings = recordings, .load = load, .name = name, .label = label, .close = close_loader};

/* The place of a shard number in the dataset's list. */
static size_t shard_place(const struct spira_value *shards, int64_t number)
{
    size_t place = 0;
    while (spira_value_get_int(spira_value_at(shards, place), "shard", -1) != number)
        place++;
    return place;
}

static enum spira_code open_shards(struct loader *loader, struct spira_tensors tensors,
                                   const struct spira_value *dataset, const char *folder,
                                   struct spira_error *err)
{
    const struct spira_value *shards = spira_value_get(dataset, "shards");
    size_t count = spira_value_count(shards);
    loader->shards = spira_alloc(count, sizeof *loader->shards);
    for (size_t i = 0; i < count; i++) {
        struct spira_shard_name file =
            spira_shard_name(spira_value_get_int(spira_value_at(shards, i), "shard", 0));
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s/%s", folder, file.text);
        enum spira_code code = spira_tensors_open(tensors, path, &loader->shards[i], err);
        if (code != SPIRA_OK)
            return code;
        loader->shard_count++;
    }
    return SPIRA_OK;
}

static enum spira_code add_recording(struct loader *loader, const struct spira_value *row,
                                     const struct spira_value *shards, struct spira_error *err)
{
    struct recording *recording = &loader->recordings[loader->count++];
    const char *sha256 = spira_value_get_text(row, "sha256", "");
    snprintf(recording->name.hex, sizeof recording->name.hex, "%s", sha256);
    recording->label = (float)spira_value_get_int(row, "label", 0);
    recording->windows = (size_t)spira_value_get_int(row, "windows", 0);
    recording->frames = (size_t)spira_value_get_int(row, "frames", 0);
    recording->copies = (size_t)spira_value_get_int(row, "copies", 1);
    recording->first_window = loader->windows;
    recording->copy = spira_alloc(recording->copies, sizeof *recording->copy);
    loader->windows += recording->windows;
    int64_t shard = spira_value_get_int(row, "shard", 0);
    size_t place = shard_place(shards, shard);
    const size_t shape[3] = {recording->windows, recording->frames, loader->features};
    for (size_t copy = 0; copy < recording->copies; copy++) {
        struct spira_shard_tensor tensor = spira_shard_tensor_name(sha256, copy);
        enum spira_code code =
            spira_tensor_expect(&loader->shards[place], spira_shard_name(shard).text, tensor.text,
                                SPIRA_F32, 3, shape, &recording->copy[copy], err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static void prepare_mixture(struct loader *loader)
{
    loader->order = spira_alloc(loader->windows, sizeof *loader->order);
    loader->position = spira_alloc(loader->windows, sizeof *loader->position);
    loader->owner = spira_alloc(loader->windows, sizeof *loader->owner);
    loader->paired_epoch = SIZE_MAX;
    for (size_t i = 0; i < loader->count; i++)
        for (size_t w = 0; w < loader->recordings[i].windows; w++)
            loader->owner[loader->recordings[i].first_window + w] = i;
}

enum spira_code spira_dataset_loader(struct spira_tensors tensors,
                                     const struct spira_value *dataset, const char *folder,
                                     const struct spira_loader_options *options,
                                     struct spira_loader *ret_loader, struct spira_error *err)
{
    const struct spira_value *rows = spira_value_get(dataset, "recordings");
    struct loader *loader = spira_alloc(1, sizeof *loader);
    loader->options = *options;
    loader->features = (size_t)spira_value_get_int(dataset, "features", 0);
    loader->recordings = spira_alloc(spira_value_count(rows), sizeof *loader->recordings);
    enum spira_code code = open_shards(loader, tensors, dataset, folder, err);
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(rows); i++) {
        const struct spira_value *row = spira_value_at(rows, i);
        if (spira_role_find(spira_value_get_text(row, "role", "")) == options->role)
            code = add_recording(loader, row, spira_value_get(dataset, "shards"), err);
    }
    if (code != SPIRA_OK) {
        close_loader(loader);
        return code;
    }
    if (options->mixture) {
        loader->mixture = *options->mixture;
        loader->options.mixture = &loader->mixture;
        prepare_mixture(loader);
    }
    *ret_loader = (struct spira_loader){.ops = &ops, .self = loader};
    return SPIRA_OK;
}
