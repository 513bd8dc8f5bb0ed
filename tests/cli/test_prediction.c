#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/fftw/fourier_fftw.h"
#include "adapters/json/json_config.h"
#include "adapters/memory/audio_source_memory.h"
#include "adapters/openblas/matrix_openblas.h"
#include "adapters/openssl/openssl_digest.h"
#include "adapters/safetensors/safetensors.h"
#include "cli/prediction.h"
#include "core/base/file.h"
#include "core/model/weights.h"
#include "core/run/document.h"

enum { RATE_HZ = 8000, LONG = 3 * RATE_HZ, SHORT = RATE_HZ };

/* A folder with a drawn model, and two recordings in memory. */
static struct studio {
    char folder[64];
    char *model, *description;
    struct spira_tools tools;
    struct spira_run_config config;
    struct spira_feature_extractor *extractor;
    struct spira_network *network; /* the one that was saved */
    float samples[LONG];
    struct spira_error err;
} studio;

static void save_model(size_t frames, double threshold)
{
    struct studio *s = &studio;
    cr_assert_eq(
        spira_network_new(&s->config.model, frames, 20, s->tools.matrix, 1, &s->network, &s->err),
        SPIRA_OK, "%s", s->err.message);
    spira_network_draw(s->network, 5, "");
    cr_assert_eq(spira_weights_save(s->tools.tensors, s->model, s->network, &s->err), SPIRA_OK);
    const struct spira_model_description description = {
        .audio = s->config.audio,
        .features = s->config.features,
        .transform = s->config.transform,
        .model = s->config.model,
        .frames = frames,
        .feature_count = 20,
        .threshold = threshold,
        .dataset = "",
        .sha256 = "",
    };
    struct spira_value *document = spira_model_description_write(&description);
    cr_assert_eq(spira_document_write(s->description, document, &s->err), SPIRA_OK);
    spira_value_free(document);
}

/* Opens the studio; transform is that section of the configuration. */
static void set_up(const char *transform)
{
    struct studio *s = &studio;
    snprintf(s->folder, sizeof s->folder, "/tmp/spira-prediction-XXXXXX");
    cr_assert_not_null(mkdtemp(s->folder));
    s->model = spira_format("%s/model.safetensors", s->folder);
    s->description = spira_format("%s/model.json", s->folder);
    s->tools = (struct spira_tools){
        .audio = spira_audio_source_memory(),
        .json = spira_config_source_json(),
        .digest = spira_digest_openssl(),
        .fourier = spira_fourier_fftw(),
        .matrix = spira_matrix_openblas(),
        .tensors = spira_tensors_safetensors(),
        .threads = 1,
    };
    for (size_t i = 0; i < LONG; i++)
        s->samples[i] = 0.3f * sinf((float)i * (0.05f + 1e-5f * (float)(i % 9000)));
    spira_audio_source_memory_add(s->tools.audio, "long", s->samples, LONG, RATE_HZ, 1);
    spira_audio_source_memory_add(s->tools.audio, "short", s->samples, SHORT, RATE_HZ, 1);

    char *text = spira_format(
        "{\"audio\": {\"sample_rate\": 8000}, \"features\": {\"type\": \"mfcc\", \"n_fft\": 256, "
        "\"win_length\": 200, \"hop_length\": 80, \"num_mels\": 20, \"num_mfcc\": 20}, "
        "\"transform\": %s, \"model\": {\"name\": \"spiraconv_v2\", \"fc1_dim\": 8}}",
        transform);
    struct spira_value *document = NULL;
    cr_assert_eq(spira_config_parse(s->tools.json, "test", text, strlen(text), &document, &s->err),
                 SPIRA_OK, "%s", s->err.message);
    cr_assert_eq(spira_run_config_read("test", document, &s->config, &s->err), SPIRA_OK, "%s",
                 s->err.message);
    cr_assert_eq(spira_feature_extractor_new(&s->config.features, RATE_HZ, s->tools.fourier,
                                             &s->extractor, &s->err),
                 SPIRA_OK);
    spira_value_free(document);
    free(text);
}

static void tear_down(void)
{
    struct studio *s = &studio;
    spira_network_free(s->network);
    spira_feature_extractor_free(s->extractor);
    spira_run_config_done(&s->config);
    spira_audio_source_done(&s->tools.audio);
    cr_assert_eq(spira_tree_remove(s->folder, &s->err), SPIRA_OK);
    free(s->model);
    free(s->description);
}

/* The saved network's score of these samples as one window: padded or cut to frames unless 0. */
static double expected_score(const float *samples, size_t count, size_t frames)
{
    struct studio *s = &studio;
    size_t own = spira_feature_extractor_frames(s->extractor, count);
    float *features = NULL;
    cr_assert_eq(
        spira_big_alloc(&features, own + frames, 20 * sizeof *features, "features", &s->err),
        SPIRA_OK);
    struct spira_feature_workspace workspace = {0};
    cr_assert_eq(spira_feature_workspace_reserve(&workspace, s->extractor, count, &s->err),
                 SPIRA_OK);
    spira_feature_extractor_compute(s->extractor, &workspace, samples, count, features);
    const struct spira_window window = {.data = features, .frames = frames ? frames : own};
    size_t outputs = spira_network_outputs(s->network, window.frames);
    double *probability = spira_alloc(outputs, sizeof *probability), sum = 0;
    cr_assert_eq(spira_network_predict(s->network, &window, 1, false, NULL, probability, &s->err),
                 SPIRA_OK);
    for (size_t o = 0; o < outputs; o++)
        sum += probability[o];
    spira_feature_workspace_done(&workspace);
    free(probability);
    free(features);
    return sum / (double)outputs;
}

static struct spira_prediction predict(const char *path)
{
    struct spira_predictor predictor;
    struct spira_prediction prediction;
    cr_assert_eq(spira_predictor_open(&studio.tools, studio.model, NULL, &predictor, &studio.err),
                 SPIRA_OK, "%s", studio.err.message);
    cr_assert_eq(spira_predict(&predictor, path, &prediction, &studio.err), SPIRA_OK, "%s",
                 studio.err.message);
    spira_predictor_done(&predictor);
    return prediction;
}

Test(prediction, the_probability_is_the_mean_over_the_windows)
{
    set_up("{\"noise\": {\"num_control\": 1, \"num_patient\": 1}, "
           "\"overlap\": {\"window_seconds\": 1.5, \"step_seconds\": 0.5}}");
    save_model(151, 0.5);
    struct spira_prediction prediction = predict("long");
    cr_assert_eq(prediction.count, (size_t)4);
    double sum = 0;
    for (size_t i = 0; i < 4; i++) {
        double expected = expected_score(studio.samples + i * 4000, 12000, 0);
        cr_assert_float_eq(prediction.windows[i], expected, 1e-6, "window %zu", i);
        sum += expected;
    }
    cr_assert_float_eq(prediction.probability, sum / 4, 1e-6);
    cr_assert_neq(prediction.windows[0], prediction.windows[1]);
    free(prediction.windows);
    tear_down();
}

Test(prediction, positive_is_what_reaches_the_threshold_of_the_model)
{
    set_up("{\"overlap\": {\"window_seconds\": 1.5, \"step_seconds\": 0.5}}");
    save_model(151, 0.5);
    struct spira_prediction prediction = predict("long");
    double probability = prediction.probability;
    free(prediction.windows);
    for (int above = 0; above <= 1; above++) {
        spira_network_free(studio.network);
        save_model(151, above ? nextafter(probability, 1) : probability);
        prediction = predict("long");
        cr_assert_eq(prediction.positive, !above);
        free(prediction.windows);
    }
    tear_down();
}

Test(prediction, a_model_of_padded_recordings_pads_the_short_and_cuts_the_long)
{
    set_up("{\"overlap\": null, \"padding\": true}");
    save_model(150, 0.5);
    struct spira_prediction prediction = predict("long");
    cr_assert_eq(prediction.count, (size_t)1);
    cr_assert_eq(prediction.frames, (size_t)301);
    cr_assert_eq(prediction.kept_frames, (size_t)150);
    cr_assert_float_eq(prediction.probability, expected_score(studio.samples, LONG, 150), 1e-6);
    free(prediction.windows);
    prediction = predict("short");
    cr_assert_eq(prediction.frames, (size_t)101);
    cr_assert_eq(prediction.kept_frames, (size_t)101);
    cr_assert_float_eq(prediction.probability, expected_score(studio.samples, SHORT, 150), 1e-6);
    free(prediction.windows);
    tear_down();
}

Test(prediction, a_model_per_frame_takes_recordings_of_any_length_as_one_window)
{
    set_up("{\"overlap\": null, \"padding\": false}");
    save_model(0, 0.5);
    struct spira_prediction prediction = predict("long");
    cr_assert_eq(prediction.count, (size_t)1);
    cr_assert_float_eq(prediction.probability, expected_score(studio.samples, LONG, 0), 1e-6);
    free(prediction.windows);
    tear_down();
}

Test(prediction, what_does_not_fit_or_is_not_there_is_named)
{
    set_up("{\"overlap\": {\"window_seconds\": 1.5, \"step_seconds\": 0.5}}");
    save_model(151, 0.5);
    struct spira_predictor predictor;
    struct spira_prediction prediction;
    struct spira_error *err = &studio.err;
    cr_assert_eq(spira_predictor_open(&studio.tools, studio.model, NULL, &predictor, err),
                 SPIRA_OK);
    cr_assert_eq(spira_predict(&predictor, "none", &prediction, err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err->message, "none"), "%s", err->message);
    spira_predictor_done(&predictor);

    /* A description of another network. */
    spira_network_free(studio.network);
    char *weights = spira_format("%s/other.safetensors", studio.folder);
    cr_assert_eq(rename(studio.model, weights), 0);
    save_model(180, 0.5);
    cr_assert_eq(spira_predictor_open(&studio.tools, weights, NULL, &predictor, err),
                 SPIRA_EINVALID);
    cr_assert(strstr(err->message, "other.safetensors") && strstr(err->message, "fc1"), "%s",
              err->message);
    spira_predictor_done(&predictor);

    cr_assert_eq(unlink(studio.description), 0);
    cr_assert_eq(spira_predictor_open(&studio.tools, weights, NULL, &predictor, err),
                 SPIRA_ENOTFOUND);
    cr_assert(strstr(err->message, studio.description), "%s", err->message);
    spira_predictor_done(&predictor);
    free(weights);
    cr_assert_eq(unlink(studio.model), 0);
    cr_assert_eq(spira_predictor_open(&studio.tools, studio.model, NULL, &predictor, err),
                 SPIRA_ENOTFOUND);
    cr_assert(strstr(err->message, studio.model), "%s", err->message);
    spira_predictor_done(&predictor);
    tear_down();
}
