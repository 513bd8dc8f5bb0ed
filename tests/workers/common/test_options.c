#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "workers/common/command_line/help.h"
#include "workers/common/command_line/options.h"

static const struct spira_option options[] = {
    {"config", "FILE", "what to do", 0, true, false},
    {"set", "KEY=VALUE", "changes it", 0, false, true},
    {"fresh", NULL, "reuses nothing", 'f', false, false},
    SPIRA_OPTION_STORE,
    SPIRA_OPTION_THREADS,
    SPIRA_OPTION_OUTPUT,
    {0},
};

static const struct spira_verb verb = {
    .noun = "thing",
    .name = "make",
    .sentence = "Makes a thing.",
    .operand = "NAME",
    .operands_least = 0,
    .operands_most = 2,
    .options = options,
    .details = "Slowly.\n",
    .example = "spiractl thing make --config c.json",
};

/* Words end with NULL. */
static enum spira_code parse(const char *const *words, struct spira_arguments *ret_arguments,
                             struct spira_error *err)
{
    int count = 0;
    while (words[count])
        count++;
    return spira_arguments_parse(&verb, count, (char *const *)words, ret_arguments, err);
}

#define PARSE(arguments, err, ...) parse((const char *const[]){__VA_ARGS__, NULL}, arguments, err)

static void expect_refusal(const char *const *words, const char *text)
{
    struct spira_arguments arguments = {0};
    struct spira_error err;
    cr_assert_eq(parse(words, &arguments, &err), SPIRA_EINVALID, "%s should be refused", words[0]);
    cr_assert(strstr(err.message, text), "'%s' does not say '%s'", err.message, text);
    cr_assert_null(arguments.given, "a refused command line is not filled in");
}

#define EXPECT_REFUSAL(text, ...) expect_refusal((const char *const[]){__VA_ARGS__, NULL}, text)

Test(options, every_way_of_writing_an_option_is_understood)
{
    struct spira_arguments arguments;
    struct spira_error err;
    cr_assert_eq(PARSE(&arguments, &err, "--config", "a.json", "one", "--set=a=b=c", "-f", "-ojson",
                       "--set", "x=", "--", "--two"),
                 SPIRA_OK);
    cr_assert_str_eq(spira_argument(&arguments, "config"), "a.json");
    cr_assert_eq(spira_argument_count(&arguments, "set"), (size_t)2);
    cr_assert_str_eq(spira_argument_at(&arguments, "set", 0), "a=b=c");
    cr_assert_str_eq(spira_argument_at(&arguments, "set", 1), "x=");
    cr_assert_str_eq(spira_argument(&arguments, "output"), "json");
    cr_assert_not_null(spira_argument(&arguments, "fresh"));
    cr_assert_eq(arguments.operand_count, (size_t)2);
    cr_assert_str_eq(arguments.operands[0], "one");
    cr_assert_str_eq(arguments.operands[1], "--two");
    cr_assert_not(arguments.help);
    spira_arguments_done(&arguments);
}

Test(options, the_last_of_an_option_given_twice_counts)
{
    struct spira_arguments arguments;
    struct spira_error err;
    cr_assert_eq(PARSE(&arguments, &err, "--config=a", "--config=b"), SPIRA_OK);
    cr_assert_str_eq(spira_argument(&arguments, "config"), "b");
    cr_assert_null(spira_argument(&arguments, "store"));
    spira_arguments_done(&arguments);
}

Test(options, what_is_wrong_is_named_with_what_is_near)
{
    EXPECT_REFUSAL("thing make: unknown option '--confg' (the nearest is '--config')", "--confg=a");
    EXPECT_REFUSAL("'--zzzzzz'; see 'spiractl thing make --help'", "--zzzzzz");
    EXPECT_REFUSAL("unknown option -x", "-x");
    EXPECT_REFUSAL("must follow --config", "--config");
    EXPECT_REFUSAL("must follow --config", "--config=");
    EXPECT_REFUSAL("no value goes with --fresh", "--config=a", "--fresh=yes");
    EXPECT_REFUSAL("missing option --config FILE", "one");
    EXPECT_REFUSAL("'three'", "--config=a", "one", "two", "three");
}

Test(options, help_wins_over_what_is_missing)
{
    struct spira_arguments arguments;
    struct spira_error err;
    cr_assert_eq(PARSE(&arguments, &err, "one", "--help"), SPIRA_OK);
    cr_assert(arguments.help);
    spira_arguments_done(&arguments);
    cr_assert_eq(PARSE(&arguments, &err, "-h"), SPIRA_OK);
    cr_assert(arguments.help);
    spira_arguments_done(&arguments);
}

Test(options, the_nearest_word_is_near)
{
    static const char *const words[] = {"audio", "config", "local", "model", "version", NULL};
    cr_assert_str_eq(spira_nearest("adio", words), "audio");
    cr_assert_str_eq(spira_nearest("modle", words), "model");
    cr_assert_str_eq(spira_nearest("conf", words), "config");
    cr_assert_null(spira_nearest("banana", words));
    cr_assert_null(spira_nearest("", words));
}

/* The threads of `thing make --config=a [word]` with these variables. */
static enum spira_code threads(const char *word, const char *spira, const char *omp,
                               size_t *ret_threads, struct spira_error *err)
{
    setenv("SPIRA_THREADS", spira, 1);
    setenv("OMP_NUM_THREADS", omp, 1);
    struct spira_arguments arguments;
    cr_assert_eq(PARSE(&arguments, err, "--config=a", word), SPIRA_OK);
    enum spira_code code = spira_argument_threads(&arguments, ret_threads, err);
    spira_arguments_done(&arguments);
    return code;
}

Test(options, threads_come_from_the_option_then_the_variables_then_the_cores)
{
    struct spira_error err;
    size_t count = 0;
    cr_assert_eq(threads("--threads=3", "4", "5", &count, &err), SPIRA_OK);
    cr_assert_eq(count, (size_t)3);
    cr_assert_eq(threads(NULL, "4", "5", &count, &err), SPIRA_OK);
    cr_assert_eq(count, (size_t)4);
    cr_assert_eq(threads(NULL, "", "5,2", &count, &err), SPIRA_OK);
    cr_assert_eq(count, (size_t)5);
    cr_assert_eq(threads(NULL, "", "", &count, &err), SPIRA_OK);
    cr_assert_geq(count, (size_t)1);
}

Test(options, threads_that_make_no_sense_are_named_with_their_origin)
{
    static const char *const nonsense[] = {"0",  "-1", "two", "2x", "1025", "99999999999999999999",
                                           "4,2"};
    struct spira_error err;
    size_t count = 77;
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        cr_assert_eq(threads(NULL, nonsense[i], "2", &count, &err), SPIRA_EINVALID, "%s",
                     nonsense[i]);
        cr_assert(strstr(err.message, "SPIRA_THREADS") && strstr(err.message, nonsense[i]), "%s",
                  err.message);
    }
    cr_assert_eq(threads("--threads=many", "2", "2", &count, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "--threads: 'many'"), "%s", err.message);
    cr_assert_eq(threads(NULL, "", "all", &count, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "OMP_NUM_THREADS: 'all'"), "%s", err.message);
    cr_assert_eq(count, (size_t)77);
}

Test(options, the_store_falls_back_to_its_variable)
{
    struct spira_arguments arguments;
    struct spira_error err;
    const char *store = NULL;
    unsetenv("SPIRA_STORE");
    cr_assert_eq(PARSE(&arguments, &err, "--config=a"), SPIRA_OK);
    cr_assert_eq(spira_argument_store(&arguments, &store, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "--store"), "%s", err.message);
    setenv("SPIRA_STORE", "/there", 1);
    cr_assert_eq(spira_argument_store(&arguments, &store, &err), SPIRA_OK);
    cr_assert_str_eq(store, "/there");
    spira_arguments_done(&arguments);
    cr_assert_eq(PARSE(&arguments, &err, "--config=a", "--store=here"), SPIRA_OK);
    cr_assert_eq(spira_argument_store(&arguments, &store, &err), SPIRA_OK);
    cr_assert_str_eq(store, "here");
    spira_arguments_done(&arguments);
}

Test(options, help_shows_every_option_of_the_table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    spira_help_verb(out, &verb);
    fclose(out);
    cr_assert(strstr(text, "Usage: spiractl thing make --config FILE [OPTION]... [NAME...]\n"),
              "%s", text);
    cr_assert(strstr(text, "Makes a thing."));
    cr_assert(strstr(text, "Slowly."));
    cr_assert(strstr(text, "-f, --fresh"));
    for (const struct spira_option *option = options; option->name; option++) {
        cr_assert(strstr(text, option->name), "%s", option->name);
        /* The first words: a long sentence is wrapped. */
        char first[12];
        snprintf(first, sizeof first, "%s", option->sentence);
        cr_assert(strstr(text, first), "%s", option->sentence);
    }
    cr_assert(strstr(text, "Example:\n  spiractl thing make --config c.json\n"));
    free(text);
}
