/* spiractl model export: a trained model as a file of another runtime. */
#include "cli/model_verbs.h"
#include "cli/output.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/step/stored_model.h"
#include "workers/common/wiring.h"

static enum spira_code check_format(const struct spira_arguments *arguments,
                                    struct spira_model_export port, struct spira_error *err)
{
    const char *format = spira_argument(arguments, "format");
    if (strcmp(format, port.ops->format) != 0)
        return spira_fail(err, SPIRA_EINVALID, "--format: '%s' is not '%s'", format,
                          port.ops->format);
    return SPIRA_OK;
}

/* {"path", "format", "frames", "features", "sha256"}; frames null: any. */
static enum spira_code describe(const char *path, const char *format,
                                const struct spira_model_description *description,
                                struct spira_digest digest, struct spira_value *facts,
                                struct spira_error *err)
{
    struct spira_sha256 sha256 = {""};
    enum spira_code code = spira_digest_file(digest, path, &sha256, NULL, err);
    spira_value_set_text(facts, "path", path);
    spira_value_set_text(facts, "format", format);
    spira_value_set(facts, "frames",
                    description->frames ? spira_value_int((int64_t)description->frames)
                                        : spira_value_null());
    spira_value_set_int(facts, "features", (int64_t)description->feature_count);
    spira_value_set_text(facts, "sha256", sha256.hex);
    return code;
}

static void print(const struct spira_value *facts)
{
    const struct spira_value *frames = spira_value_get(facts, "frames");
    SPIRA_CLEANUP(spira_free_at)
    char *window = spira_value_type(frames) == SPIRA_NULL
                       ? spira_copy_text("any number of")
                       : spira_format("%jd", (intmax_t)spira_value_as_int(frames, 0));
    printf("%-10s %s\n", "path", spira_value_get_text(facts, "path", ""));
    printf("%-10s %s\n", "format", spira_value_get_text(facts, "format", ""));
    printf("%-10s any number of windows, of %s frames, of %jd features\n", "input", window,
           (intmax_t)spira_value_get_int(facts, "features", 0));
    printf("%-10s %s\n", "sha256", spira_value_get_text(facts, "sha256", ""));
}

static int run_export(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    const struct spira_tools tools = spira_wire_tools(1);
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        check_format(arguments, tools.model_export, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    const char *out = spira_argument(arguments, "out");
    struct spira_model_description description;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *facts = spira_value_map();
    if (spira_stored_model_export(&tools, spira_argument(arguments, "model"),
                                  spira_argument(arguments, "model-config"), out, &description,
                                  &err) != SPIRA_OK ||
        describe(out, tools.model_export.ops->format, &description, tools.digest, facts, &err) !=
            SPIRA_OK)
        return spira_report(&err);
    if (json)
        spira_output_json(stdout, facts);
    else
        print(facts);
    return SPIRA_EXIT_SUCCESS;
}

static const struct spira_option export_options[] = {
    {"model", "FILE", "the weights, model.safetensors", 0, true, false},
    {"model-config", "FILE", "what goes with them; the default is model.json beside the model", 0,
     false, false},
    {"format", "FORMAT", "what to write: onnx", 0, true, false},
    {"out", "FILE", "where to write it; a file that is there is replaced", 0, true, false},
    SPIRA_OPTION_OUTPUT,
    {0},
};

const struct spira_verb spira_model_export_verb = {
    .noun = "model",
    .name = "export",
    .sentence = "Writes a model as a file that other runtimes execute.",
    .options = export_options,
    .details = "The file takes features, as 'spiractl audio features' writes them, and gives\n"
               "probabilities. The same model gives the same bytes.\n",
    .example = "spiractl model export --model model.safetensors --format onnx --out model.onnx",
    .run = run_export,
};
