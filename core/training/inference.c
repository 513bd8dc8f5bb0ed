#include "core/training/inference.h"

#include <assert.h>

enum {
    GROUP = 8 /* recordings loaded at once, so that short ones keep all threads busy */
};

struct inference {
    struct spira_network *network;
    struct spira_loader loader;
    bool clipping;
    spira_inferred_visit *visit;
    void *context;
    double *outputs; /* of one round; room for output_room */
    size_t output_room;
    double *probabilities, *losses; /* of a group's windows; room for window_room */
    size_t window_room;
};

static void inference_done(struct inference *inference)
{
    free(inference->outputs);
    free(inference->probabilities);
    free(inference->losses);
}

/* Makes room for count numbers; what was there is lost. */
static enum spira_code make_room(double **array, size_t *room, size_t count, const char *what,
                                 struct spira_error *err)
{
    if (count <= *room)
        return SPIRA_OK;
    double *larger;
    enum spira_code code = spira_big_alloc(&larger, count, sizeof *larger, what, err);
    if (code != SPIRA_OK)
        return code;
    free(*array);
    *array = larger;
    *room = count;
    return SPIRA_OK;
}

/* Windows of a batch, from first on. */
static enum spira_code infer_round(struct inference *inference, const struct spira_batch *batch,
                                   size_t first, size_t count, struct spira_error *err)
{
    const struct spira_window *windows = batch->windows + first;
    double *probabilities = inference->probabilities + first, *losses = inference->losses + first;
    size_t outputs = 0;
    for (size_t i = 0; i < count; i++)
        outputs += spira_network_outputs(inference->network, windows[i].frames);
    enum spira_code code = make_room(&inference->outputs, &inference->output_room, outputs,
                                     "the network's outputs", err);
    if (code == SPIRA_OK)
        code = spira_loader_show(inference->loader, first, count, err);
    if (code == SPIRA_OK)
        code = spira_network_predict(inference->network, windows, count, inference->clipping,
                                     losses, inference->outputs, err);
    if (code != SPIRA_OK)
        return code;
    assert(outputs > 0); /* the network refuses a window too short for any */
    const double *output = inference->outputs;
    for (size_t i = 0; i < count; i++) {
        size_t own = spira_network_outputs(inference->network, windows[i].frames);
        double sum = 0;
        for (size_t o = 0; o < own; o++)
            sum += *output++;
        probabilities[i] = sum / (double)own;
    }
    return SPIRA_OK;
}

/* Visits recording, whose windows begin at begin; returns where they end. */
static size_t visit_recording(const struct inference *inference, const struct spira_batch *batch,
                              size_t recording, size_t begin)
{
    size_t end = begin;
    double sum = 0;
    while (end < batch->count && batch->windows[end].recording == recording)
        sum += inference->probabilities[end++];
    if (end == begin)
        return end;
    const struct spira_inferred inferred = {
        .recording = recording,
        .windows = batch->windows + begin,
        .count = end - begin,
        .probabilities = inference->probabilities + begin,
        .losses = inference->losses + begin,
        .score = sum / (double)(end - begin),
    };
    inference->visit(inference->context, &inferred);
    return end;
}

static enum spira_code infer_group(struct inference *inference, const size_t *indices, size_t count,
                                   struct spira_error *err)
{
    struct spira_loader loader = inference->loader;
    struct spira_batch batch;
    enum spira_code code = spira_loader_load(loader, 0, indices, count, &batch, err);
    size_t room = inference->window_room;
    if (code == SPIRA_OK)
        code = make_room(&inference->probabilities, &room, batch.count, "probabilities", err);
    if (code == SPIRA_OK)
        code = make_room(&inference->losses, &inference->window_room, batch.count, "losses", err);
    for (size_t i = 0; code == SPIRA_OK && i < batch.count; i += SPIRA_WINDOWS_SHOWN) {
        size_t left = batch.count - i;
        code = infer_round(inference, &batch, i,
                           left < SPIRA_WINDOWS_SHOWN ? left : SPIRA_WINDOWS_SHOWN, err);
    }
    if (code != SPIRA_OK)
        return code;
    size_t window = 0;
    for (size_t i = 0; i < count; i++) {
        size_t begin = window;
        window = visit_recording(inference, &batch, indices[i], begin);
        if (window == begin)
            return spira_fail(err, SPIRA_EINVALID, "recording %s has no window",
                              loader.ops->name(loader.self, indices[i]));
    }
    return SPIRA_OK;
}

/* Fills indices with the group that begins there; returns how many it has. */
static size_t fill_group(size_t *indices, size_t begin, size_t recordings)
{
    size_t count = 0;
    for (; count < GROUP && begin + count < recordings; count++)
        indices[count] = begin + count;
    return count;
}

enum spira_code spira_infer(struct spira_network *network, struct spira_loader loader,
                            bool clipping, struct spira_progress progress,
                            spira_inferred_visit *visit, void *context, struct spira_error *err)
{
    SPIRA_CLEANUP(inference_done)
    struct inference inference = {.network = network,
                                  .loader = loader,
                                  .clipping = clipping,
                                  .visit = visit,
                                  .context = context};
    size_t recordings = spira_loader_recordings(loader);
    for (size_t begin = 0; begin < recordings; begin += GROUP) {
        if (spira_progress_stop_wanted(progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped after %zu of %zu recordings", begin,
                              recordings);
        size_t indices[GROUP];
        size_t count = fill_group(indices, begin + GROUP, recordings);
        if (count > 0) /* is made while this one is scored */
            spira_loader_prefetch(loader, 0, indices, count);
        count = fill_group(indices, begin, recordings);
        enum spira_code code = infer_group(&inference, indices, count, err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}
