/* spiractl version: which build this is. */
#include "cli/commands.h"
#include "cli/output.h"
#include "workers/common/exit_code.h"

/* SPIRA_VERSION, SPIRA_COMMIT and SPIRA_LIBRARIES come from CMakeLists.txt. */
#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* "name=version name=version ...", as SPIRA_LIBRARIES is. */
static struct spira_value *libraries(void)
{
    struct spira_value *map = spira_value_map();
    for (const char *at = SPIRA_LIBRARIES; *at;) {
        size_t length = strcspn(at, " "), name = strcspn(at, "=");
        SPIRA_CLEANUP(spira_free_at)
        char *key = spira_format("%.*s", (int)name, at);
        SPIRA_CLEANUP(spira_free_at)
        char *version = spira_format("%.*s", (int)(length - name - 1), at + name + 1);
        spira_value_set_text(map, key, version);
        at += length;
        at += strspn(at, " ");
    }
    return map;
}

static int run(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *version = spira_value_map();
    spira_value_set_text(version, "version", SPIRA_VERSION);
    spira_value_set_text(version, "commit", SPIRA_COMMIT);
    spira_value_set_text(version, "compiler", COMPILER);
    const struct spira_value *built_with = spira_value_set(version, "libraries", libraries());
    if (json) {
        spira_output_json(stdout, version);
        return SPIRA_EXIT_SUCCESS;
    }
    printf("spiractl %s (commit %s)\n", SPIRA_VERSION, SPIRA_COMMIT);
    printf("built by %s with", COMPILER);
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
