/* spiractl: finds the verb in the tables, takes the command line apart, runs it. */
#include "cli/commands.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/help.h"

#include <errno.h>

static const struct spira_noun *const nouns[] = {
    &spira_local_noun, &spira_audio_noun,  &spira_run_noun,    &spira_model_noun,   &spira_dlq_noun,
    &spira_state_noun, &spira_topics_noun, &spira_config_noun, &spira_version_noun, NULL,
};

enum { NAMES_MAX = 16 };

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int unknown(const char *what, const char *word, const char *const *names, const char *help)
{
    const char *nearest = spira_nearest(word, names);
    struct spira_error err;
    (void)spira_fail(&err, SPIRA_EINVALID, "unknown %s '%s'%s%s%s; see 'spiractl%s%s --help'", what,
                     word, nearest ? " (the nearest is '" : "", nearest ? nearest : "",
                     nearest ? "')" : "", *help ? " " : "", help);
    return spira_report_usage(&err);
}

static int unknown_noun(const char *word)
{
    const char *names[NAMES_MAX] = {0};
    for (size_t i = 0; nouns[i] && i + 1 < NAMES_MAX; i++)
        names[i] = nouns[i]->name;
    return unknown(*word == '-' ? "option" : "command", word, names, "");
}

static int unknown_verb(const struct spira_noun *noun, const char *word)
{
    const char *names[NAMES_MAX] = {0};
    for (size_t i = 0; noun->verbs[i] && i + 1 < NAMES_MAX; i++)
        names[i] = noun->verbs[i]->name;
    SPIRA_CLEANUP(spira_free_at)
    char *what = spira_format("%s of '%s':", *word == '-' ? "option" : "verb", noun->name);
    return unknown(what, word, names, noun->name);
}

static int run_verb(const struct spira_verb *verb, int argc, char *const *argv)
{
    SPIRA_CLEANUP(spira_arguments_done)
    struct spira_arguments arguments = {0};
    struct spira_error err;
    if (spira_arguments_parse(verb, argc, argv, &arguments, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    if (!arguments.help)
        return verb->run(&arguments);
    spira_help_verb(stdout, verb);
    return SPIRA_EXIT_SUCCESS;
}

static int run_noun(const struct spira_noun *noun, int argc, char *const *argv)
{
    if (!noun->verbs[0]->name)
        return run_verb(noun->verbs[0], argc, argv);
    if (argc == 0) {
        fprintf(stderr, "spiractl: %s: a verb must follow; see 'spiractl %s --help'\n", noun->name,
                noun->name);
        return SPIRA_EXIT_USAGE;
    }
    if (is_help(argv[0])) {
        spira_help_noun(stdout, noun);
        return SPIRA_EXIT_SUCCESS;
    }
    for (const struct spira_verb *const *verb = noun->verbs; *verb; verb++)
        if (strcmp((*verb)->name, argv[0]) == 0)
            return run_verb(*verb, argc - 1, argv + 1);
    return unknown_verb(noun, argv[0]);
}

static int run(int argc, char *const *argv)
{
    if (argc < 2) {
        spira_help_program(stderr, nouns);
        return SPIRA_EXIT_USAGE;
    }
    if (is_help(argv[1])) {
        spira_help_program(stdout, nouns);
        return SPIRA_EXIT_SUCCESS;
    }
    for (const struct spira_noun *const *noun = nouns; *noun; noun++)
        if (strcmp((*noun)->name, argv[1]) == 0)
            return run_noun(*noun, argc - 2, argv + 2);
    return unknown_noun(argv[1]);
}

int main(int argc, char **argv)
{
    int exit_code = run(argc, argv);
    /* Data that did not arrive is no success. */
    if ((ferror(stdout) || fflush(stdout) != 0) && exit_code == SPIRA_EXIT_SUCCESS) {
        struct spira_error err;
        (void)spira_fail_errno(&err, errno, "standard output");
        fprintf(stderr, "spiractl: %s\n", err.message);
        return SPIRA_EXIT_FAILED;
    }
    return exit_code;
}
