/* spiractl model: what is published, and what a model says of a recording. */
#include <errno.h>
#include <sys/stat.h>

#include "adapters/filesystem/object_store_filesystem.h"
#include "adapters/json/json_config.h"
#include "adapters/openssl/openssl_digest.h"
#include "cli/commands.h"
#include "cli/model_verbs.h"
#include "cli/output.h"
#include "cli/prediction.h"
#include "core/publish/registry.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/wiring.h"

/* Opens the registry of --store. The folder must be there: looking makes no store. */
static enum spira_code open_registry(const struct spira_arguments *arguments,
                                     struct spira_registry *ret_registry, struct spira_error *err)
{
    const char *folder = NULL;
    struct stat facts;
    enum spira_code code = spira_argument_store(arguments, &folder, err);
    if (code != SPIRA_OK)
        return code;
    if (stat(folder, &facts) != 0)
        return spira_fail_errno(err, errno, "store %s", folder);
    *ret_registry = (struct spira_registry){
        .digest = spira_digest_openssl(),
        .json = spira_config_source_json(),
    };
    return spira_object_store_filesystem(folder, ret_registry->digest, &ret_registry->store, err);
}

static void registry_done(struct spira_registry *registry)
{
    spira_object_store_done(&registry->store);
}

static void add_metric(struct spira_table *table, const struct spira_value *manifest,
                       const char *name)
{
    spira_table_add(
        table, spira_number_text(spira_value_get(spira_value_get(manifest, "metrics"), name), 3));
}

static void print_models(const struct spira_value *list)
{
    static const char *const headings[] = {"MODEL",       "VERSION",     "CHAMPION", "ACCURACY",
                                           "SENSITIVITY", "SPECIFICITY", "ROC AUC",  "SHA-256"};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < spira_value_count(list); i++) {
        const struct spira_value *manifest = spira_value_at(list, i);
        const struct spira_value *published = spira_value_get(manifest, "published");
        spira_table_add(&table, spira_copy_text(spira_value_get_text(published, "model", "")));
        spira_table_add(&table, spira_number_text(spira_value_get(published, "version"), 0));
        bool champion = spira_value_get_bool(manifest, "champion", false);
        spira_table_add(&table, spira_copy_text(champion ? "yes" : ""));
        add_metric(&table, manifest, "accuracy");
        add_metric(&table, manifest, "sensitivity");
        add_metric(&table, manifest, "specificity");
        add_metric(&table, manifest, "roc_auc");
        spira_table_add(&table,
                        spira_format("%.12s", spira_value_get_text(published, "sha256", "")));
    }
    spira_table_print(stdout, &table);
}

static int run_list(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(registry_done)
    struct spira_registry registry = {0};
    if (open_registry(arguments, &registry, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = NULL;
    if (spira_registry_list(&registry, NULL, &list, &err) != SPIRA_OK)
        return spira_report(&err);
    if (json)
        spira_output_json(stdout, list);
    else if (spira_value_count(list))
        print_models(list);
    else
        fprintf(stderr, "spiractl: no model is published in this store\n");
    return SPIRA_EXIT_SUCCESS;
}

/* MODEL or MODEL@VERSION. */
static enum spira_code parse_model(const char *text, char **ret_model, int64_t *ret_version,
                                   struct spira_error *err)
{
    const char *at = strchr(text, '@');
    size_t length = at ? (size_t)(at - text) : strlen(text);
    static const char name_characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    char *end = NULL;
    long long version = at && at[1] >= '0' && at[1] <= '9' ? strtoll(at + 1, &end, 10) : 0;
    bool named = length > 0 && strspn(text, name_characters) >= length && *text != '.';
    if (!named || (at && (version < 1 || *end)))
        return spira_fail(err, SPIRA_EINVALID, "'%s' is neither MODEL nor MODEL@VERSION", text);
    *ret_model = spira_format("%.*s", (int)length, text);
    *ret_version = version;
    return SPIRA_OK;
}

static void print_model(const struct spira_value *manifest, const char *store)
{
    const struct spira_value *published = spira_value_get(manifest, "published");
    const struct spira_value *metrics = spira_value_get(manifest, "metrics");
    const char *model = spira_value_get_text(published, "model", "");
    int64_t version = spira_value_get_int(published, "version", 0);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_registry_key(model, version, "model.safetensors");
    printf("%-20s %s\n", "model", model);
    printf("%-20s %jd%s\n", "version", (intmax_t)version,
           spira_value_get_bool(manifest, "champion", false) ? " (champion)" : "");
    printf("%-20s %s/%s\n", "path", store, key);
    printf("%-20s %s\n", "sha256", spira_value_get_text(published, "sha256", ""));
    printf("%-20s %s\n", "dataset", spira_value_get_text(manifest, "dataset", "unknown"));
    for (size_t i = 0; i < spira_value_count(metrics); i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *number = spira_number_text(spira_value_at(metrics, i), 4);
        printf("%-20s %s\n", spira_value_key_at(metrics, i), number);
    }
}

static int run_show(const struct spira_arguments *arguments)
{
    bool json = false;
    SPIRA_CLEANUP(spira_free_at)
    char *model = NULL;
    int64_t version = 0, champion = 0;
    struct spira_error err;
    SPIRA_CLEANUP(registry_done)
    struct spira_registry registry = {0};
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        parse_model(arguments->operands[0], &model, &version, &err) != SPIRA_OK ||
        open_registry(arguments, &registry, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    if (spira_registry_show(&registry, model, version, &manifest, &err) != SPIRA_OK)
        return spira_report(&err);
    struct spira_error no_champion;
    bool has_champion =
        spira_registry_champion(&registry, model, &champion, &no_champion) == SPIRA_OK;
    int64_t shown = spira_value_get_int(spira_value_get(manifest, "published"), "version", 0);
    spira_value_set_bool(manifest, "champion", has_champion && shown == champion);
    const char *store = NULL;
    if (json)
        spira_output_json(stdout, manifest);
    else if (spira_argument_store(arguments, &store, &err) == SPIRA_OK)
        print_model(manifest, store);
    return SPIRA_EXIT_SUCCESS;
}

static struct spira_value *prediction_value(const struct spira_prediction *prediction)
{
    struct spira_value *value = spira_value_map();
    spira_value_set_real(value, "probability", prediction->probability);
    struct spira_value *windows = spira_value_set(value, "windows", spira_value_list());
    for (size_t i = 0; i < prediction->count; i++)
        spira_value_append(windows, spira_value_real(prediction->windows[i]));
    spira_value_set_bool(value, "positive", prediction->positive);
    return value;
}

/* Scores every --in; gives one object for each, in their order. */
static enum spira_code predict_all(const struct spira_arguments *arguments,
                                   const struct spira_tools *tools, struct spira_value *list,
                                   struct spira_error *err)
{
    SPIRA_CLEANUP(spira_predictor_done)
    struct spira_predictor predictor = {0};
    enum spira_code code =
        spira_predictor_open(tools, spira_argument(arguments, "model"),
                             spira_argument(arguments, "model-config"), &predictor, err);
    size_t count = spira_argument_count(arguments, "in");
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        const char *path = spira_argument_at(arguments, "in", i);
        struct spira_prediction prediction;
        code = spira_predict(&predictor, path, &prediction, err);
        if (code != SPIRA_OK)
            break;
        if (prediction.kept_frames < prediction.frames)
            fprintf(stderr,
                    "spiractl: %s: has %zu frames, more than the model was trained with; "
                    "the first %zu count\n",
                    path, prediction.frames, prediction.kept_frames);
        struct spira_value *value = spira_value_append(list, prediction_value(&prediction));
        if (count > 1)
            spira_value_set_text(value, "in", path);
        free(prediction.windows);
    }
    return code;
}

static void print_predictions(const struct spira_arguments *arguments,
                              const struct spira_value *list)
{
    static const char *const headings[] = {"RECORDING", "PROBABILITY", "WINDOWS", "POSITIVE"};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < spira_value_count(list); i++) {
        const struct spira_value *value = spira_value_at(list, i);
        spira_table_add(&table, spira_copy_text(spira_argument_at(arguments, "in", i)));
        spira_table_add(&table, spira_number_text(spira_value_get(value, "probability"), 4));
        spira_table_add(&table,
                        spira_format("%zu", spira_value_count(spira_value_get(value, "windows"))));
        bool positive = spira_value_get_bool(value, "positive", false);
        spira_table_add(&table, spira_copy_text(positive ? "yes" : "no"));
    }
    spira_table_print(stdout, &table);
}

static int run_predict(const struct spira_arguments *arguments)
{
    bool json = false;
    size_t threads = 1;
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        spira_argument_threads(arguments, &threads, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    const struct spira_tools tools = spira_wire_tools(threads);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = spira_value_list();
    if (predict_all(arguments, &tools, list, &err) != SPIRA_OK)
        return spira_report(&err);
    if (json)
        spira_output_json(stdout, spira_value_count(list) == 1 ? spira_value_at(list, 0) : list);
    else
        print_predictions(arguments, list);
    return SPIRA_EXIT_SUCCESS;
}

static const struct spira_option list_options[] = {SPIRA_OPTION_STORE, SPIRA_OPTION_OUTPUT, {0}};

static const struct spira_verb list = {
    .noun = "model",
    .name = "list",
    .sentence = "Lists the published models, each with its metrics and who is champion.",
    .options = list_options,
    .example = "spiractl model list --store store",
    .run = run_list,
};

static const struct spira_verb show = {
    .noun = "model",
    .name = "show",
    .sentence = "Shows one published model: its champion, or the version named.",
    .operand = "MODEL[@VERSION]",
    .operands_least = 1,
    .operands_most = 1,
    .options = list_options,
    .example = "spiractl model show spira@3 --store store",
    .run = run_show,
};

static const struct spira_option predict_options[] = {
    {"model", "FILE", "the weights, model.safetensors", 0, true, false},
    {"model-config", "FILE", "what goes with them; the default is model.json beside the model", 0,
     false, false},
    {"in", "FILE", "the recording", 0, true, true},
    SPIRA_OPTION_THREADS,
    SPIRA_OPTION_OUTPUT,
    {0},
};

static const struct spira_verb predict = {
    .noun = "model",
    .name = "predict",
    .sentence = "Says how probable respiratory insufficiency is, from a recording of speech.",
    .options = predict_options,
    .details =
        "The probability is the mean over the recording's windows; it is called positive at the\n"
        "model's threshold. With several --in, json is a list of objects, each with 'in'.\n"
        "No medical device: no diagnosis follows from the answer.\n",
    .example = "spiractl model predict --model model.safetensors --in a.wav -o json",
    .run = run_predict,
};

const struct spira_noun spira_model_noun = {
    .name = "model",
    .sentence = "Looks at published models and uses them.",
    .verbs =
        (const struct spira_verb *const[]){&list, &show, &predict, &spira_model_export_verb, NULL},
};
