/* spiractl config: run configurations. */
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/output.h"
#include "core/config/import.h"
#include "workers/common/command_line/exit_code.h"

static int run_check(const struct spira_arguments *arguments)
{
    bool json = false;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        spira_configuration_read(arguments->operands[0], NULL, 0, &config, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    if (json) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *document = spira_run_config_write(&config);
        spira_output_json(stdout, document);
    } else {
        printf("ok\n");
    }
    return SPIRA_EXIT_SUCCESS;
}

static int run_import(const struct spira_arguments *arguments)
{
    const char *path = arguments->operands[0];
    bool json = false; /* a configuration is JSON either way */
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        spira_configuration_document(path, &document, &err) != SPIRA_OK ||
        spira_config_import(path, document, &imported, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    for (size_t i = 0; i < spira_value_count(imported.warnings); i++)
        fprintf(stderr, "spiractl: warning: %s\n",
                spira_value_as_text(spira_value_at(imported.warnings, i), ""));
    spira_output_json(stdout, imported.configuration);
    return SPIRA_EXIT_SUCCESS;
}

static const struct spira_option check_options[] = {SPIRA_OPTION_OUTPUT, {0}};

static const struct spira_option import_options[] = {
    {"output", "FORMAT", "json; a configuration is that in any case", 'o', false, false},
    {0},
};

static const struct spira_verb check = {
    .noun = "config",
    .name = "check",
    .sentence = "Says ok, or what is wrong in a run configuration and where.",
    .operand = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .options = check_options,
    .details = "With -o json it prints the configuration with every default filled in.\n"
               "docs/CONFIG.md explains the keys.\n",
    .example = "spiractl config check run.json",
    .run = run_check,
};

static const struct spira_verb import = {
    .noun = "config",
    .name = "import",
    .sentence = "Turns a configuration in a published format into a run configuration.",
    .operand = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .options = import_options,
    .details =
        "The formats are those of the 2021 experiments and of the V2 prototype. What the file\n"
        "says and cannot be honoured, and what had to be chosen, becomes a warning.\n",
    .example = "spiractl config import acl2021.json >run.json",
    .run = run_import,
};

const struct spira_noun spira_config_noun = {
    .name = "config",
    .sentence = "Checks and converts run configurations.",
    .verbs = (const struct spira_verb *const[]){&check, &import, NULL},
};
