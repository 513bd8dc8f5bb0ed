/* spiractl audio: looks at recordings. What adds and withdraws them has files of its own. */
#include "adapters/fftw/fourier_fftw.h"
#include "adapters/safetensors/safetensors.h"
#include "adapters/sndfile/sndfile_audio.h"
#include "cli/audio_verbs.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/output.h"
#include "core/audio/inspect.h"
#include "core/features/examples.h"
#include "core/ports/tensors.h"
#include "workers/common/command_line/exit_code.h"

/* Appends one file's answer to list and returns its exit code. */
static int check_file(const char *path, struct spira_value *list)
{
    struct spira_audio_measures measures;
    struct spira_audio_verdict verdict;
    struct spira_error err;
    enum spira_code code = spira_audio_inspect(
        spira_audio_source_sndfile(), path, &spira_audio_intake_limits, &measures, &verdict, &err);
    if (code != SPIRA_OK && code != SPIRA_ENOTFOUND)
        return spira_report(&err);
    struct spira_value *answer = spira_value_append(list, spira_value_map());
    bool accepted = code == SPIRA_OK && verdict.reason == SPIRA_AUDIO_OK;
    spira_value_set_text(answer, "file", path);
    spira_value_set_bool(answer, "accepted", accepted);
    if (code == SPIRA_ENOTFOUND) {
        spira_value_set_text(answer, "reason", "missing");
        spira_value_set_text(answer, "message", err.message);
        spira_value_set(answer, "facts", spira_value_null());
        return spira_report(&err);
    }
    spira_value_set_text(answer, "reason", spira_audio_reason_name(verdict.reason));
    spira_value_set_text(answer, "message", verdict.text);
    spira_value_set(answer, "facts",
                    measures.rate_hz ? spira_audio_measures_write(&measures) : spira_value_null());
    return accepted ? SPIRA_EXIT_SUCCESS : SPIRA_EXIT_FAILED;
}

static char *percent_text(const struct spira_value *share)
{
    return spira_format("%.1f %%", 100 * spira_value_as_real(share, 0));
}

static void print_checks(const struct spira_value *list)
{
    static const char *const headings[] = {"FILE",     "VERDICT", "SECONDS", "RATE HZ",
                                           "CHANNELS", "FORMAT",  "PEAK",    "RMS DBFS",
                                           "CLIPPED",  "SILENT",  "WHY"};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < spira_value_count(list); i++) {
        const struct spira_value *answer = spira_value_at(list, i);
        const struct spira_value *facts = spira_value_get(answer, "facts");
        bool measured = spira_value_type(facts) == SPIRA_MAP;
        spira_table_add(&table, spira_copy_text(spira_value_get_text(answer, "file", "")));
        spira_table_add(&table, spira_copy_text(spira_value_get_text(answer, "reason", "")));
        const struct {
            const char *name;
            int digits;
        } numbers[] = {{"seconds", 3}, {"rate_hz", 0}, {"channels", 0}};
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            spira_table_add(&table, measured
                                        ? spira_number_text(spira_value_get(facts, numbers[n].name),
                                                            numbers[n].digits)
                                        : NULL);
        spira_table_add(&table, spira_copy_text(spira_value_get_text(facts, "format", NULL)));
        spira_table_add(&table,
                        measured ? spira_number_text(spira_value_get(facts, "peak"), 4) : NULL);
        spira_table_add(&table,
                        measured ? spira_number_text(spira_value_get(facts, "rms_dbfs"), 1) : NULL);
        spira_table_add(&table,
                        measured ? percent_text(spira_value_get(facts, "clipped_share")) : NULL);
        spira_table_add(&table,
                        measured ? percent_text(spira_value_get(facts, "silent_share")) : NULL);
        spira_table_add(&table, spira_copy_text(spira_value_get_text(answer, "message", "")));
    }
    spira_table_print(stdout, &table);
}

static int run_check(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = spira_value_list();
    int worst = SPIRA_EXIT_SUCCESS;
    for (size_t i = 0; i < arguments->operand_count; i++) {
        int exit_code = check_file(arguments->operands[i], list);
        if (exit_code > worst)
            worst = exit_code;
    }
    if (json)
        spira_output_json(stdout, list);
    else if (spira_value_count(list))
        print_checks(list);
    return worst;
}

/* Writes every window's features, one after the other: memory for one of them. */
static enum spira_code write_features(const struct spira_example *example,
                                      const struct spira_example_chain *chain, const char *path,
                                      struct spira_error *err)
{
    const struct spira_tensors port = spira_tensors_safetensors();
    const struct spira_example_shape shape = example->shape;
    const struct spira_tensor tensor = {
        .name = "features",
        .dtype = SPIRA_F32,
        .rank = 3,
        .shape = {shape.windows, shape.frames, shape.dims},
    };
    SPIRA_CLEANUP(spira_examples_done)
    struct spira_examples examples = {0};
    SPIRA_CLEANUP(spira_free_at)
    float *window = NULL;
    void *writer = NULL;
    enum spira_code code = spira_big_alloc(&window, shape.frames * shape.dims, sizeof *window,
                                           "the features of a window", err);
    if (code == SPIRA_OK)
        code = spira_examples_begin(&examples, chain, example, err);
    if (code == SPIRA_OK)
        code = port.ops->create(port.self, path, &tensor, 1, NULL, &writer, err);
    if (code != SPIRA_OK)
        return code;
    for (size_t i = 0; code == SPIRA_OK && i < shape.windows; i++) {
        code = spira_examples_compute(&examples, chain, i, window, err);
        if (code == SPIRA_OK)
            code =
                port.ops->append(writer, window, shape.frames * shape.dims * sizeof *window, err);
    }
    if (code == SPIRA_OK)
        return port.ops->finish(writer, err);
    port.ops->abandon(writer);
    return code;
}

static enum spira_code compute_features(const struct spira_run_config *config, const char *in,
                                        const char *out, struct spira_example_shape *ret_shape,
                                        struct spira_error *err)
{
    SPIRA_CLEANUP(spira_feature_extractor_free_at)
    struct spira_feature_extractor *extractor = NULL;
    SPIRA_CLEANUP(spira_wave_done)
    struct spira_wave wave = {0};
    SPIRA_CLEANUP(spira_example_done)
    struct spira_example example = {0};
    /* The recording as it is. */
    struct spira_transform_config transform = config->transform;
    transform.noise.enabled = false;
    enum spira_code code = spira_feature_extractor_new(&config->features, config->audio.rate_hz,
                                                       spira_fourier_fftw(), &extractor, err);
    if (code == SPIRA_OK)
        code = spira_wave_load(spira_audio_source_sndfile(), in, config->audio.rate_hz,
                               config->audio.max_seconds, &wave, NULL, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_example_chain chain = {
        .extractor = extractor,
        .transform = &transform,
        .short_recordings = config->audio.short_recordings,
        .rate_hz = config->audio.rate_hz,
        .seed = config->seed,
    };
    if (spira_example_init(&chain, &wave, 0, "", 0, &example, err) != SPIRA_OK)
        return spira_fail_within(err, "%s", in);
    *ret_shape = example.shape;
    return write_features(&example, &chain, out, err);
}

static int run_features(const struct spira_arguments *arguments)
{
    bool json = false;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    struct spira_example_shape shape = {0};
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        spira_configuration_read(spira_argument(arguments, "config"), NULL, 0, &config, &err) !=
            SPIRA_OK)
        return spira_report_usage(&err);
    const char *out = spira_argument(arguments, "out");
    if (compute_features(&config, spira_argument(arguments, "in"), out, &shape, &err) != SPIRA_OK)
        return spira_report(&err);
    if (json) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *answer = spira_value_map();
        spira_value_set_text(answer, "path", out);
        spira_value_set_int(answer, "windows", (int64_t)shape.windows);
        spira_value_set_int(answer, "frames", (int64_t)shape.frames);
        spira_value_set_int(answer, "features", (int64_t)shape.dims);
        spira_output_json(stdout, answer);
    } else {
        printf("%s: %zu windows of %zu frames of %zu features\n", out, shape.windows, shape.frames,
               shape.dims);
    }
    return SPIRA_EXIT_SUCCESS;
}

static const struct spira_option check_options[] = {SPIRA_OPTION_OUTPUT, {0}};

static const struct spira_verb check = {
    .noun = "audio",
    .name = "check",
    .sentence = "Says whether recordings would be accepted, why not, and what they are like.",
    .operand = "FILE",
    .operands_least = 1,
    .operands_most = SIZE_MAX,
    .options = check_options,
    .details =
        "Reads WAV, FLAC, Ogg and MP3. The limits are those of the pipeline's intake; a run's\n"
        "configuration has its own least and greatest length besides. Exit code 1 when any is\n"
        "refused, 3 when one is missing.\n",
    .example = "spiractl audio check recordings/*.wav",
    .run = run_check,
};

static const struct spira_option features_options[] = {
    {"config", "FILE", "run configuration: sections audio, features, transform", 0, true, false},
    {"in", "FILE", "the recording", 0, true, false},
    {"out", "FILE", "safetensors file to write; an older one is replaced", 0, true, false},
    SPIRA_OPTION_OUTPUT,
    {0},
};

static const struct spira_verb features = {
    .noun = "audio",
    .name = "features",
    .sentence = "Computes the features of a recording, as the network would see it.",
    .options = features_options,
    .details = "Writes the F32 tensor 'features' (windows, frames, features), without noise and\n"
               "mixture. Without overlap the whole recording is one window, not padded.\n",
    .example = "spiractl audio features --config run.json --in a.wav --out a.safetensors",
    .run = run_features,
};

const struct spira_noun spira_audio_noun = {
    .name = "audio",
    .sentence = "Adds recordings, looks at them and withdraws them.",
    .verbs = (const struct spira_verb *const[]){&spira_audio_add_verb, &check, &features,
                                                &spira_audio_withdraw_verb, NULL},
};
