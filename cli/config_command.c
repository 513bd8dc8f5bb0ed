/* spiractl config: run configurations. */
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/exit_code.h"
#include "cli/output.h"

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

static const struct spira_option options[] = {SPIRA_OPTION_OUTPUT, {0}};

static const struct spira_verb check = {
    .noun = "config",
    .name = "check",
    .sentence = "Says ok, or what is wrong in a run configuration and where.",
    .operand = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .options = options,
    .details = "With -o json it prints the configuration with every default filled in.\n"
               "docs/CONFIG.md explains the keys.\n",
    .example = "spiractl config check run.json",
    .run = run_check,
};

const struct spira_noun spira_config_noun = {
    .name = "config",
    .sentence = "Checks run configurations.",
    .verbs = (const struct spira_verb *const[]){&check, NULL},
};
