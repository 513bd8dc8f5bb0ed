#include "cli/prediction.h"

#include "core/model/weights.h"

enum { DESCRIPTION_MAX_BYTES = 1 << 24, BATCH_WINDOWS = 64 };

/* "<folder of model_path>/model.json"; free with free(). */
static char *description_beside(const char *model_path)
{
    const char *slash = strrchr(model_path, '/');
    return slash ? spira_format("%.*s/model.json", (int)(slash - model_path), model_path)
                 : spira_format("model.json");
}

static enum spira_code read_description(struct spira_config_source json, const char *path,
                                        struct spira_model_description *ret_description,
                                        struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    enum spira_code code = spira_config_read(json, path, DESCRIPTION_MAX_BYTES, &document, err);
    return code == SPIRA_OK ? spira_model_description_read(path, document, ret_description, err)
                            : code;
}

/* Everything but the weights, from the description. */
static enum spira_code make_parts(const struct spira_tools *tools, const char *description_path,
                                  struct spira_predictor *predictor, struct spira_error *err)
{
    struct spira_model_description *description = &predictor->description;
    enum spira_code code = read_description(tools->json, description_path, description, err);
    if (code != SPIRA_OK)
        return code;
    code = spira_feature_extractor_new(&description->features, description->audio.rate_hz,
                                       tools->fourier, &predictor->extractor, err);
    if (code == SPIRA_OK)
        code =
            spira_network_new(&description->model, description->frames, description->feature_count,
                              (struct spira_matrix){0}, tools->threads, &predictor->network, err);
    if (code != SPIRA_OK)
        return spira_fail_within(err, "%s", description_path);
    description->transform.noise.enabled = false;
    predictor->chain = (struct spira_example_chain){
        .extractor = predictor->extractor,
        .transform = &description->transform,
        .short_recordings = description->audio.short_recordings,
        .rate_hz = description->audio.rate_hz,
    };
    return SPIRA_OK;
}

enum spira_code spira_predictor_open(const struct spira_tools *tools, const char *model_path,
                                     const char *description_path,
                                     struct spira_predictor *ret_predictor, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *beside = description_beside(model_path);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file weights = {0};
    *ret_predictor = (struct spira_predictor){.audio = tools->audio};
    /* First, so that a model that is not there is what the message names. */
    enum spira_code code = spira_tensors_open(tools->tensors, model_path, &weights, err);
    if (code == SPIRA_OK)
        code = make_parts(tools, description_path ? description_path : beside, ret_predictor, err);
    return code == SPIRA_OK
               ? spira_weights_read(&weights, model_path, "", ret_predictor->network, err)
               : code;
}

void spira_predictor_done(struct spira_predictor *predictor)
{
    spira_network_free(predictor->network);
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
            code = score_windows(predictor->network, windows, count, ret_scores + first, err);
    }
    return code;
}

static enum spira_code score_wave(struct spira_predictor *predictor, const struct spira_wave *wave,
                                  struct spira_prediction *prediction, struct spira_error *err)
{
    const struct spira_model_description *description = &predictor->description;
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
    const struct spira_model_description *description = &predictor->description;
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
