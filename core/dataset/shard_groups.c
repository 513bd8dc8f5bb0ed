/* Groups of windows (or parts of long ones: below, a window is one of these), one after the other:
 * the recordings a group begins with are decoded, its windows computed by all threads, and written
 * before the next group. A group has fixed bounds, so memory does too, however long a recording is
 * and however many there are. */
#include <errno.h>
#include <unistd.h>

#include "core/base/parallel.h"
#include "core/dataset/shard_parts.h"

/* No thread count in these: groups are the same everywhere. */
static const size_t GROUP_BYTES = (size_t)32 << 20;   /* of features; and of decoded recordings */
static const size_t PIECE_BYTES = (size_t)1 << 20;    /* of features, that one thread computes */
static const size_t DECODED_BYTES = (size_t)16 << 20; /* of a recording held in memory */

/* The next window of the shard. */
struct cursor {
    size_t recording, copy, window;
};

/* Windows of one copy of one recording, in a row. */
struct piece {
    size_t recording, copy, first, windows;
    size_t at; /* of its features in the group's, in values */
    struct outcome outcome;
};

struct group {
    struct shard *shard;
    struct piece *pieces;
    size_t count, capacity;
    size_t from, to; /* the recordings it has a window of, and maybe unusable ones between */
    float *features;
    size_t values, room;  /* in use; allocated */
    size_t decoded_bytes; /* of the recordings it begins with, in memory */
};

static size_t window_count(const struct recording *recording)
{
    return recording->shape.windows * recording->shape.parts;
}

/* Values of count windows from window first on. */
static size_t values_of(const struct recording *recording, size_t first, size_t count)
{
    const struct spira_example_shape *shape = &recording->shape;
    size_t frames = 0;
    for (size_t i = first; i < first + count; i++)
        frames += spira_example_part_frames(shape, i);
    return frames * shape->dims;
}

static bool is_last(const struct recording *recording, const struct piece *piece)
{
    return piece->copy + 1 == recording->copies &&
           piece->first + piece->windows == window_count(recording);
}

static size_t wave_bytes(const struct recording *recording)
{
    return recording->samples * sizeof *recording->wave.samples;
}

/* Decides where a recording will be decoded to. False: not in this group, which is full. */
static bool admit(struct group *group, struct recording *recording)
{
    struct shard *shard = group->shard;
    if (recording->decoded)
        return true;
    recording->spilled = wave_bytes(recording) > DECODED_BYTES;
    if (recording->spilled) {
        recording->wave.position = shard->spill_end;
        shard->spill_end += (int64_t)wave_bytes(recording);
        return true;
    }
    if (group->count > 0 && group->decoded_bytes + wave_bytes(recording) > GROUP_BYTES)
        return false;
    group->decoded_bytes += wave_bytes(recording);
    return true;
}

/* Adds the windows that one thread computes in a row. False: the group is full. */
static bool add_piece(struct group *group, struct cursor *cursor)
{
    struct recording *recording = &group->shard->recordings[cursor->recording];
    const size_t bytes =
        recording->shape.part_frames * recording->shape.dims * sizeof *group->features;
    size_t most = bytes < PIECE_BYTES ? PIECE_BYTES / bytes : 1;
    size_t left = window_count(recording) - cursor->window;
    size_t windows = left < most ? left : most;
    size_t values = values_of(recording, cursor->window, windows);
    size_t grown = (group->values + values) * sizeof *group->features;
    bool begins = cursor->copy == 0 && cursor->window == 0;
    if ((group->count > 0 && grown > GROUP_BYTES) || (begins && !admit(group, recording)))
        return false;
    if (group->count == group->capacity) {
        group->capacity = group->capacity ? 2 * group->capacity : 64;
        group->pieces = spira_realloc(group->pieces, group->capacity, sizeof *group->pieces);
    }
    group->pieces[group->count++] = (struct piece){.recording = cursor->recording,
                                                   .copy = cursor->copy,
                                                   .first = cursor->window,
                                                   .windows = windows,
                                                   .at = group->values};
    group->values += values;
    cursor->window += windows;
    if (cursor->window < window_count(recording))
        return true;
    cursor->window = 0;
    if (++cursor->copy < recording->copies)
        return true;
    cursor->copy = 0;
    cursor->recording++;
    return true;
}

/* Makes the group that begins at the cursor, and moves it behind. */
static enum spira_code begin_group(struct group *group, struct cursor *cursor,
                                   struct spira_error *err)
{
    struct shard *shard = group->shard;
    group->count = group->values = group->decoded_bytes = 0;
    group->from = cursor->recording;
    while (cursor->recording < shard->count)
        if (shard->recordings[cursor->recording].reason)
            cursor->recording++;
        else if (!add_piece(group, cursor))
            break;
    group->to = group->count ? group->pieces[group->count - 1].recording + 1 : group->from;
    if (group->values <= group->room)
        return SPIRA_OK;
    free(group->features);
    group->features = NULL;
    group->room = group->values;
    return spira_big_alloc(&group->features, group->room, sizeof *group->features,
                           "the features of a group", err);
}

static enum spira_code decode(struct shard *shard, struct recording *recording,
                              struct spira_error *err)
{
    const struct spira_shard_job *job = shard->job;
    const int rate_hz = job->config->audio.rate_hz;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", job->inputs, recording->sha256);
    enum spira_code code =
        recording->spilled
            ? spira_wave_spill(job->audio, path, rate_hz, SPIRA_AUDIO_MAX_SECONDS, shard->spill,
                               recording->wave.position, &recording->wave, err)
            : spira_wave_load(job->audio, path, rate_hz, SPIRA_AUDIO_MAX_SECONDS, &recording->wave,
                              NULL, err);
    if (code != SPIRA_OK)
        return spira_shard_blame(code, path, err);
    if (recording->wave.count != recording->samples)
        return spira_fail(err, SPIRA_EIO, "%s: %zu samples, before there were %zu",
                          recording->sha256, recording->wave.count, recording->samples);
    return SPIRA_OK;
}

/* Decodes a recording and draws the noises of its copies. */
static enum spira_code open_recording(struct shard *shard, struct recording *recording,
                                      struct spira_error *err)
{
    enum spira_code code = decode(shard, recording, err);
    recording->examples = spira_alloc(recording->copies, sizeof *recording->examples);
    for (size_t copy = 0; code == SPIRA_OK && copy < recording->copies; copy++)
        code =
            spira_example_init(&shard->chain, &recording->wave, recording->label, recording->sha256,
                               (uint32_t)copy, &recording->examples[copy], err);
    recording->decoded = true;
    return code;
}

void spira_shard_release(struct recording *recording)
{
    for (size_t copy = 0; recording->examples && copy < recording->copies; copy++)
        spira_example_done(&recording->examples[copy]);
    free(recording->examples);
    recording->examples = NULL;
    spira_wave_done(&recording->wave);
    recording->decoded = recording->spilled = false;
}

static enum spira_code stopped(struct spira_error *err)
{
    return spira_fail(err, SPIRA_EINTERRUPTED, "stopped while computing features");
}

static void open_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    const struct group *group = context;
    struct shard *shard = group->shard;
    struct recording *recording = &shard->recordings[group->from + index];
    if (recording->reason || recording->decoded)
        return;
    struct outcome *outcome = &recording->outcome;
    outcome->code = spira_shard_goes_on(shard) ? open_recording(shard, recording, &outcome->err)
                                               : stopped(&outcome->err);
}

static enum spira_code compute(struct shard *shard, const struct piece *piece, size_t thread,
                               float *features, struct spira_error *err)
{
    const struct recording *recording = &shard->recordings[piece->recording];
    struct spira_examples *examples = &shard->examples[thread];
    enum spira_code code =
        spira_examples_begin(examples, &shard->chain, &recording->examples[piece->copy], err);
    for (size_t i = 0; code == SPIRA_OK && i < piece->windows; i++) {
        code =
            spira_examples_compute_part(examples, &shard->chain, piece->first + i, features, err);
        features += values_of(recording, piece->first + i, 1);
    }
    return code;
}

static void compute_piece(void *context, size_t index, size_t thread)
{
    const struct group *group = context;
    struct piece *piece = &group->pieces[index];
    piece->outcome.code =
        spira_shard_goes_on(group->shard)
            ? compute(group->shard, piece, thread, group->features + piece->at, &piece->outcome.err)
            : stopped(&piece->outcome.err);
}

/* The first failure in the order of the shard, whichever thread came to it first. */
static enum spira_code failure_of_recordings(const struct group *group, struct spira_error *err)
{
    for (size_t i = group->from; i < group->to; i++)
        if (group->shard->recordings[i].outcome.code != SPIRA_OK) {
            *err = group->shard->recordings[i].outcome.err;
            return err->code;
        }
    return SPIRA_OK;
}

static enum spira_code failure_of_pieces(const struct group *group, struct spira_error *err)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->pieces[i].outcome.code != SPIRA_OK) {
            *err = group->pieces[i].outcome.err;
            return err->code;
        }
    return SPIRA_OK;
}

/* Lets go of the recordings that are whole, and of their place in the file when nothing else that
 * is needed lies in it. */
static enum spira_code end_group(struct group *group, struct spira_error *err)
{
    struct shard *shard = group->shard;
    bool spilled = false;
    for (size_t i = 0; i < group->count; i++) {
        struct recording *recording = &shard->recordings[group->pieces[i].recording];
        if (!is_last(recording, &group->pieces[i]))
            continue;
        spira_shard_release(recording);
        spira_shard_report(shard);
    }
    if (group->count > 0)
        spilled = shard->recordings[group->to - 1].spilled;
    if (spilled || shard->spill_end == shard->spill_noises)
        return SPIRA_OK;
    shard->spill_end = shard->spill_noises;
    if (ftruncate(shard->spill, shard->spill_end) != 0)
        return spira_fail_errno(err, errno, "what was decoded");
    return SPIRA_OK;
}

static enum spira_code write_group(struct group *group, void *writer, struct spira_error *err)
{
    struct shard *shard = group->shard;
    const struct spira_shard_job *job = shard->job;
    spira_parallel(group->to - group->from, job->threads, open_piece, group);
    enum spira_code code = failure_of_recordings(group, err);
    if (code != SPIRA_OK)
        return code;
    spira_parallel(group->count, job->threads, compute_piece, group);
    code = failure_of_pieces(group, err);
    if (code == SPIRA_OK)
        code = job->tensors.ops->append(writer, group->features,
                                        group->values * sizeof *group->features, err);
    return code == SPIRA_OK ? end_group(group, err) : code;
}

enum spira_code spira_shard_windows(struct shard *shard, void *writer, struct spira_error *err)
{
    struct group group = {.shard = shard};
    struct cursor cursor = {0};
    enum spira_code code = SPIRA_OK;
    while (code == SPIRA_OK && cursor.recording < shard->count) {
        code = begin_group(&group, &cursor, err);
        if (code == SPIRA_OK && group.count > 0)
            code = write_group(&group, writer, err);
    }
    free(group.pieces);
    free(group.features);
    return code;
}
