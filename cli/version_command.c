/* spiractl version: which build this is. */
#include "cli/commands.h"
#include "cli/output.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/version.h"

static int run(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *facts = spira_version_facts();
    if (json) {
        spira_output_json(stdout, facts);
        return SPIRA_EXIT_SUCCESS;
    }
    printf("spiractl %s (commit %s)\n", spira_version(), spira_value_get_text(facts, "commit", ""));
    printf("built by %s with", spira_value_get_text(facts, "compiler", ""));
    const struct spira_value *built_with = spira_value_get(facts, "libraries");
    for (size_t i = 0; i < spira_value_count(built_with); i++)
        printf("%s %s %s", i ? "," : "", spira_value_key_at(built_with, i),
               spira_value_as_text(spira_value_at(built_with, i), ""));
    printf("\n");
    return SPIRA_EXIT_SUCCESS;
}

static const struct spira_option options[] = {SPIRA_OPTION_OUTPUT, {0}};

static const struct spira_verb version = {
    .noun = "version",
    .sentence = "Says which build this is: version, commit, compiler, libraries.",
    .options = options,
    .example = "spiractl version",
    .run = run,
};

const struct spira_noun spira_version_noun = {
    .name = "version",
    .verbs = (const struct spira_verb *const[]){&version, NULL},
};
