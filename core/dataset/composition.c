#include "core/dataset/composition.h"

#include "core/base/random.h"
#include "core/dataset/shard.h"

static char *shard_path(const struct spira_composition *composition, int64_t shard)
{
    return spira_format("%s/%s", composition->folder, spira_shard_name(shard).text);
}

/* Opens the shard a recording is in, unless it is open already: recordings and shards are both
 * sorted by digest, so each shard is opened once. */
static enum spira_code open_shard(const struct spira_composition *composition,
                                  struct spira_tensors tensors, int64_t shard, int64_t *open,
                                  struct spira_tensor_file *file, struct spira_error *err)
{
    if (*open == shard)
        return SPIRA_OK;
    spira_tensor_file_done(file);
    SPIRA_CLEANUP(spira_free_at)
    char *path = shard_path(composition, shard);
    *open = shard;
    return spira_tensors_open(tensors, path, file, err);
}

/* Finds where the recording's copies are. */
static enum spira_code find_copies(const struct spira_composition *composition,
                                   const struct spira_tensor_file *file,
                                   struct spira_composition_recording *recording,
                                   struct spira_error *err)
{
    const size_t shape[3] = {recording->windows, recording->frames, composition->features};
    recording->offsets = spira_alloc(recording->copies, sizeof *recording->offsets);
    for (size_t copy = 0; copy < recording->copies; copy++) {
        struct spira_shard_tensor name = spira_shard_tensor_name(recording->name.hex, copy);
        struct spira_shard_name shard = spira_shard_name(recording->shard);
        const float *data;
        enum spira_code code =
            spira_tensor_expect(file, shard.text, name.text, SPIRA_F32, 3, shape, &data, err);
        if (code != SPIRA_OK)
            return code;
        recording->offsets[copy] = spira_tensor_find(file, name.text)->offset;
        if (recording->offsets[copy] % sizeof *data != 0)
            return spira_fail(err, SPIRA_EINVALID,
                              "%s: tensor '%s' begins at %zu, which is not "
                              "aligned",
                              shard.text, name.text, recording->offsets[copy]);
    }
    return SPIRA_OK;
}

static struct spira_composition_recording *add_recording(struct spira_composition *composition,
                                                         const struct spira_value *row)
{
    struct spira_composition_recording *recording = &composition->recordings[composition->count++];
    snprintf(recording->name.hex, sizeof recording->name.hex, "%s",
             spira_value_get_text(row, "sha256", ""));
    recording->label = (float)spira_value_get_int(row, "label", 0);
    recording->shard = spira_value_get_int(row, "shard", 0);
    recording->windows = (size_t)spira_value_get_int(row, "windows", 0);
    recording->frames = (size_t)spira_value_get_int(row, "frames", 0);
    recording->copies = (size_t)spira_value_get_int(row, "copies", 1);
    recording->first_window = composition->windows;
    composition->windows += recording->windows;
    if (recording->frames > composition->most_frames && !composition->options.padded_frames)
        composition->most_frames = recording->frames;
    return recording;
}

/* The role of a recording of the dataset. */
static enum spira_role role_of(const struct spira_loader_options *options,
                               const struct spira_value *row)
{
    enum spira_role role = spira_role_find(spira_value_get_text(row, "role", ""));
    if (options->folds == 0 || role == SPIRA_TEST)
        return role;
    return spira_value_get_int(row, "fold", -1) == (int64_t)options->fold ? SPIRA_VALIDATION
                                                                          : SPIRA_TRAIN;
}

static enum spira_code add_recordings(struct spira_composition *composition,
                                      struct spira_tensors tensors,
                                      const struct spira_value *dataset, struct spira_error *err)
{
    const struct spira_value *rows = spira_value_get(dataset, "recordings");
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    int64_t open = -1;
    composition->recordings = spira_alloc(spira_value_count(rows), sizeof *composition->recordings);
    for (size_t i = 0; i < spira_value_count(rows); i++) {
        const struct spira_value *row = spira_value_at(rows, i);
        if (role_of(&composition->options, row) != composition->options.role)
            continue;
        struct spira_composition_recording *recording = add_recording(composition, row);
        enum spira_code code =
            open_shard(composition, tensors, recording->shard, &open, &file, err);
        if (code == SPIRA_OK)
            code = find_copies(composition, &file, recording, err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static void prepare_mixture(struct spira_composition *composition)
{
    composition->order = spira_alloc(composition->windows, sizeof *composition->order);
    composition->position = spira_alloc(composition->windows, sizeof *composition->position);
    composition->owner = spira_alloc(composition->windows, sizeof *composition->owner);
    composition->paired_epoch = SIZE_MAX;
    for (size_t i = 0; i < composition->count; i++)
        for (size_t w = 0; w < composition->recordings[i].windows; w++)
            composition->owner[composition->recordings[i].first_window + w] = i;
}

enum spira_code spira_composition_init(struct spira_tensors tensors,
                                       const struct spira_value *dataset, const char *folder,
                                       const struct spira_loader_options *options,
                                       struct spira_composition *ret_composition,
                                       struct spira_error *err)
{
    *ret_composition = (struct spira_composition){
        .options = *options,
        .folder = spira_copy_text(folder),
        .features = (size_t)spira_value_get_int(dataset, "features", 0),
        .most_frames = options->padded_frames,
    };
    enum spira_code code = add_recordings(ret_composition, tensors, dataset, err);
    if (code != SPIRA_OK || !options->mixture)
        return code;
    ret_composition->mixture = *options->mixture;
    ret_composition->options.mixture = &ret_composition->mixture;
    prepare_mixture(ret_composition);
    return SPIRA_OK;
}

void spira_composition_done(struct spira_composition *composition)
{
    for (size_t i = 0; i < composition->count; i++)
        free(composition->recordings[i].offsets);
    free(composition->recordings);
    free(composition->folder);
    free(composition->order);
    free(composition->position);
    free(composition->owner);
    *composition = (struct spira_composition){0};
}

/* Whether windows are made anew: padded or mixed. */
static bool makes_windows(const struct spira_composition *composition)
{
    return composition->options.mixture || composition->options.padded_frames;
}

size_t spira_composition_bytes(const struct spira_composition *composition, const size_t *indices,
                               size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct spira_composition_recording *recording = &composition->recordings[indices[i]];
        size_t frames = makes_windows(composition) ? composition->most_frames : recording->frames;
        bytes += recording->windows * frames * composition->features * sizeof(float);
    }
    return bytes;
}

/* Maps count windows of a recording, from the first on, as the epoch sees them. */
static enum spira_code view_windows(const struct spira_composition *composition, size_t epoch,
                                    const struct spira_composition_recording *recording,
                                    size_t first, size_t count, struct spira_file_view *ret_view,
                                    struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = shard_path(composition, recording->shard);
    size_t bytes = recording->frames * composition->features * sizeof(float);
    return spira_file_view_open(path, recording->offsets[epoch % recording->copies] + first * bytes,
                                count * bytes, ret_view, err);
}

/* One random permutation an epoch pairs the windows: neighbours at even and odd positions. */
static void pair_windows(struct spira_composition *composition, size_t epoch)
{
    if (composition->paired_epoch == epoch)
        return;
    struct spira_random random =
        spira_random_stream(composition->options.seed, SPIRA_FOR_MIXTURE, epoch, 0);
    spira_random_permutation(&random, composition->windows, composition->order);
    for (size_t i = 0; i < composition->windows; i++)
        composition->position[composition->order[i]] = i;
    composition->paired_epoch = epoch;
}

/* The frames a window of this recording has in a batch. */
static size_t frames_shown(const struct spira_composition *composition,
                           const struct spira_composition_recording *recording)
{
    size_t padded = composition->options.padded_frames;
    return padded ? padded : recording->frames;
}

/* Mixture (SPIRA.md): a and b become p a + (1-p) b and (1-p) a + p b, each in its own place, labels
 * likewise. Makes a window a, unless it is left alone. */
static void mix(const struct spira_composition *composition, size_t epoch,
                struct spira_window *window, struct spira_window_source *source)
{
    size_t position = composition->position[source->window];
    if ((position ^ 1) >= composition->windows)
        return;
    source->partner = composition->order[position ^ 1];
    const struct spira_composition_recording *other =
        &composition->recordings[composition->owner[source->partner]];
    struct spira_random random = spira_random_stream(composition->options.seed, SPIRA_FOR_MIXTURE,
                                                     epoch, (uint32_t)(position / 2 + 1));
    source->share =
        (float)spira_random_beta(&random, composition->mixture.alpha, composition->mixture.beta);
    window->label = source->share * window->label + (1 - source->share) * other->label;
    if (window->frames < frames_shown(composition, other))
        window->frames = frames_shown(composition, other);
}

static void reserve_windows(struct spira_composed *composed, size_t windows)
{
    if (windows <= composed->window_room)
        return;
    composed->windows = spira_realloc(composed->windows, windows, sizeof *composed->windows);
    composed->sources = spira_realloc(composed->sources, windows, sizeof *composed->sources);
    composed->window_room = windows;
}

void spira_compose(struct spira_composition *composition, size_t epoch, const size_t *indices,
                   size_t count, struct spira_composed *composed)
{
    spira_composed_release(composed);
    composed->epoch = epoch;
    size_t windows = 0;
    for (size_t i = 0; i < count; i++)
        windows += composition->recordings[indices[i]].windows;
    reserve_windows(composed, windows);
    if (composition->options.mixture)
        pair_windows(composition, epoch);
    for (size_t i = 0; i < count; i++) {
        const struct spira_composition_recording *own = &composition->recordings[indices[i]];
        for (size_t w = 0; w < own->windows; w++) {
            struct spira_window *window = &composed->windows[composed->count];
            struct spira_window_source *source = &composed->sources[composed->count++];
            *window = (struct spira_window){.frames = frames_shown(composition, own),
                                            .label = own->label,
                                            .recording = indices[i]};
            *source = (struct spira_window_source){
                .window = own->first_window + w, .partner = SIZE_MAX, .share = 1};
            if (composition->options.mixture)
                mix(composition, epoch, window, source);
        }
    }
}

/* to (frames, features) += weight * the window, as much of it as fits. */
static void add_window(const struct spira_composition *composition,
                       const struct spira_composition_recording *recording, const float *data,
                       float weight, size_t frames, float *to)
{
    size_t shown = recording->frames < frames ? recording->frames : frames;
    for (size_t i = 0; i < shown * composition->features; i++)
        to[i] += weight * data[i];
}

/* Pads and mixes a window, whose own values are data, into to. */
static enum spira_code make_window(const struct spira_composition *composition,
                                   const struct spira_composed *composed, size_t index,
                                   const float *data, float *to, struct spira_error *err)
{
    const struct spira_window_source *source = &composed->sources[index];
    const size_t frames = composed->windows[index].frames;
    memset(to, 0, frames * composition->features * sizeof *to);
    add_window(composition, &composition->recordings[composed->windows[index].recording], data,
               source->share, frames, to);
    if (source->partner == SIZE_MAX)
        return SPIRA_OK;
    const struct spira_composition_recording *other =
        &composition->recordings[composition->owner[source->partner]];
    SPIRA_CLEANUP(spira_file_view_done)
    struct spira_file_view view = {0};
    enum spira_code code = view_windows(composition, composed->epoch, other,
                                        source->partner - other->first_window, 1, &view, err);
    if (code == SPIRA_OK)
        add_window(composition, other, view.data, 1 - source->share, frames, to);
    return code;
}

/* Shows windows of one recording, from first on; those that are made go to values. */
static enum spira_code show_recording(const struct spira_composition *composition,
                                      struct spira_composed *composed, size_t first, size_t count,
                                      float *values, struct spira_error *err)
{
    const struct spira_composition_recording *own =
        &composition->recordings[composed->windows[first].recording];
    struct spira_file_view view = {0};
    enum spira_code code =
        view_windows(composition, composed->epoch, own,
                     composed->sources[first].window - own->first_window, count, &view, err);
    if (code != SPIRA_OK)
        return code;
    const float *data = view.data;
    const size_t values_of_window = own->frames * composition->features;
    if (!values) {
        composed->views[composed->view_count++] = view;
        for (size_t i = 0; i < count; i++)
            composed->windows[first + i].data = data + i * values_of_window;
        return SPIRA_OK;
    }
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        float *to = values + i * composition->most_frames * composition->features;
        code = make_window(composition, composed, first + i, data + i * values_of_window, to, err);
        composed->windows[first + i].data = to;
    }
    spira_file_view_done(&view);
    return code;
}

/* The end of the windows that follow each other in the first one's recording, too. */
static size_t recording_end(const struct spira_composed *composed, size_t first, size_t end)
{
    size_t i = first + 1;
    while (i < end && composed->windows[i].recording == composed->windows[first].recording &&
           composed->sources[i].window == composed->sources[i - 1].window + 1)
        i++;
    return i;
}

/* Makes room for the data of count windows, values of each in stride (0: they are shown as they
 * are, so many recordings at most). */
static enum spira_code reserve_data(struct spira_composed *composed, size_t count, size_t stride,
                                    struct spira_error *err)
{
    if (stride == 0 && count > composed->view_room) {
        composed->views = spira_realloc(composed->views, count, sizeof *composed->views);
        composed->view_room = count;
    }
    if (count * stride <= composed->value_room)
        return SPIRA_OK;
    free(composed->values);
    composed->values = NULL;
    composed->value_room = 0;
    enum spira_code code =
        spira_big_alloc(&composed->values, count * stride, sizeof(float), "a batch", err);
    if (code == SPIRA_OK)
        composed->value_room = count * stride;
    return code;
}

/* Takes the windows that are shown their data. */
static void hide(struct spira_composed *composed)
{
    for (size_t i = 0; i < composed->shown_count; i++)
        composed->windows[composed->shown_first + i].data = NULL;
    composed->shown_count = 0;
    for (size_t i = 0; i < composed->view_count; i++)
        spira_file_view_done(&composed->views[i]);
    composed->view_count = 0;
}

enum spira_code spira_composed_show(const struct spira_composition *composition,
                                    struct spira_composed *composed, size_t first, size_t count,
                                    struct spira_error *err)
{
    const size_t stride =
        makes_windows(composition) ? composition->most_frames * composition->features : 0;
    hide(composed);
    enum spira_code code = reserve_data(composed, count, stride, err);
    composed->shown_first = first;
    composed->shown_count = count;
    for (size_t i = first, end; code == SPIRA_OK && i < first + count; i = end) {
        end = recording_end(composed, i, first + count);
        code = show_recording(composition, composed, i, end - i,
                              stride > 0 ? composed->values + (i - first) * stride : NULL, err);
    }
    if (code != SPIRA_OK)
        hide(composed);
    return code;
}

void spira_composed_release(struct spira_composed *composed)
{
    hide(composed);
    composed->count = 0;
}

void spira_composed_done(struct spira_composed *composed)
{
    spira_composed_release(composed);
    free(composed->windows);
    free(composed->sources);
    free(composed->values);
    free(composed->views);
    *composed = (struct spira_composed){0};
}
