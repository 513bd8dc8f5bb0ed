#include "cli/prediction.h"

enum { BATCH_WINDOWS = 64 };

enum spira_code spira_predictor_open(const struct spira_tools *tools, const char *model_path,
                                     const char *description_path,
                                     struct spira_predictor *ret_predictor, struct spira_error *err)
{
    *ret_predictor = (struct spira_predictor){.audio = tools->audio};
    struct spira_model_description *description = &ret_predictor->model.description;
    enum spira_code code =
        spira_stored_model_open(tools, model_path, description_path, &ret_predictor->model, err);
    if (code != SPIRA_OK)
        return code;
    code = spira_feature_extractor_new(&description->features, description->audio.rate_hz,
                                       tools->fourier, &ret_predictor->extractor, err);
    if (code != SPIRA_OK)
        return spira_fail_within(err, "%s", description_path ? description_path : model_path);
    description->transform.noise.enabled = false;
    ret_predictor->chain = (struct spira_example_chain){
        .extractor = ret_predictor->extractor,
        .transform = &description->transform,
        .short_recordings = description->audio.short_recordings,
        .rate_hz = description->audio.rate_hz,
    };
    return SPIRA_OK;
}

void spira_predictor_done(struct spira_predictor *predictor)
{
    spira_stored_model_done(&predictor->model);
    spira_feature_extractor_free(predictor->extractor);
    *predictor = (struct spira_predictor){0};
}

/* The mean of each window's outputs: more than one where the model works per frame. */
static enum spira_code score_windows(struct spira_network *network,
                                     const struct spira_window *windows, size_t count,
                                     double *ret_scores, struct spira_error *err)
{
    size_t outputs = spira_network_outputs(network, windows[0].frames);
    SPIRA_CLEANUP(spira_free_at)
    double *probability = NULL;
    enum spira_code code = spira_big_alloc(&probability, count * outputs, sizeof *probability,
                                           "the network's outputs", err);
    if (code == SPIRA_OK)
        code = spira_network_predict(network, windows, count, false, NULL, probability, err);
    if (code != SPIRA_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t o = 0; o < outputs; o++)
            sum += probability[i * outputs + o];
        ret_scores[i] = sum / (double)outputs;
    }
    return SPIRA_OK;
}

/* The windows of the recording, batch by batch; each is padded with zeros, or cut, to
 * frames. */
static enum spira_code score_recording(struct spira_predictor *predictor,
                                       const struct spira_example *example, size_t frames,
                                       double *ret_scores, struct spira_error *err)
{
    const struct spira_example_shape shape = example->shape;
    size_t most = shape.frames > frames ? shape.frames : frames;
    size_t batch = shape.windows < BATCH_WINDOWS ? shape.windows : BATCH_WINDOWS;
    struct spira_window windows[BATCH_WINDOWS] = {0};
    SPIRA_CLEANUP(spira_examples_done)
    struct spira_examples examples = {0};
    SPIRA_CLEANUP(spira_free_at)
    float *features = NULL;
    enum spira_code code = spira_big_alloc(&features, batch * most, shape.dims * sizeof *features,
                                           "the features of a recording", err);
    if (code == SPIRA_OK)
        code = spira_examples_begin(&examples, &predictor->chain, example, err);
    for (size_t first = 0; code == SPIRA_OK && first < shape.windows; first += batch) {
        size_t count = shape.windows - first < batch ? shape.windows - first : batch;
        for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
            /* Beyond shape.frames it stays zero. */
            float *window = features + i * most * shape.dims;
            code = spira_examples_compute(&examples, &predictor->chain, first + i, window, err);
            windows[i] = (struct spira_window){.data = window, .frames = frames};
        }
        if (code == SPIRA_OK)
            code = score_windows(predictor->model.network, windows, count, ret_scores + first, err);
    }
    return code;
}

static enum spira_code score_wave(struct spira_predictor *predictor, const struct spira_wave *wave,
                                  struct spira_prediction *prediction, struct spira_error *err)
{
    const struct spira_model_description *description = &predictor->model.description;
    SPIRA_CLEANUP(spira_example_done)
    struct spira_example example = {0};
    enum spira_code code = spira_example_init(&predictor->chain, wave, 0, "", 0, &example, err);
    if (code != SPIRA_OK)
        return code;
    bool fitted = description->transform.padding && description->frames;
    prediction->count = example.shape.windows;
    prediction->frames = example.shape.frames;
    size_t frames = fitted ? description->frames : example.shape.frames;
    prediction->kept_frames = frames < example.shape.frames ? frames : example.shape.frames;
    code = spira_big_alloc(&prediction->windows, prediction->count, sizeof *prediction->windows,
                           "the scores of a recording", err);
    return code == SPIRA_OK ? score_recording(predictor, &example, frames, prediction->windows, err)
                            : code;
}

enum spira_code spira_predict(struct spira_predictor *predictor, const char *path,
                              struct spira_prediction *ret_prediction, struct spira_error *err)
{
    const struct spira_model_description *description = &predictor->model.description;
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave wave = {0};
    enum spira_code code = spira_wave_load(predictor->audio, path, description->audio.rate_hz,
                                           description->audio.max_seconds, &wave, NULL, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_prediction prediction = {0};
    code = score_wave(predictor, &wave, &prediction, err);
    if (code != SPIRA_OK) {
        free(prediction.windows);
        return spira_fail_within(err, "%s", path);
    }
    double sum = 0;
    for (size_t i = 0; i < prediction.count; i++)
        sum += prediction.windows[i];
    prediction.probability = sum / (double)prediction.count;
    prediction.positive = prediction.probability >= description->threshold;
    *ret_prediction = prediction;
    return SPIRA_OK;
}
