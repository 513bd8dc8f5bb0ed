#include "workers/common/command_line/options.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>

enum { THREADS_MAX = 1024, OPTIONS_MAX = 32, NAME_MAX_LENGTH = 32 };

/* The distance of two words: letters to add, remove, replace or swap with the next. */
static size_t distance(const char *a, const char *b)
{
    size_t row[3][NAME_MAX_LENGTH + 1];
    size_t m = strlen(a), n = strlen(b);
    if (m > NAME_MAX_LENGTH || n > NAME_MAX_LENGTH)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *now = row[i % 3], *above = row[(i + 2) % 3], *two_above = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[m % 3][n];
}

const char *spira_nearest(const char *word, const char *const *candidates)
{
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 1; /* further off is another word */
    for (; *candidates; candidates++) {
        size_t steps = distance(word, *candidates);
        bool begins = strlen(word) >= 2 && strncmp(word, *candidates, strlen(word)) == 0;
        if (steps <= least || (begins && !nearest)) {
            nearest = *candidates;
            least = steps < least ? steps : least;
        }
    }
    return nearest;
}

char *spira_verb_title(const struct spira_verb *verb)
{
    if (verb->program)
        return spira_copy_text(verb->program);
    return verb->name ? spira_format("%s %s", verb->noun, verb->name) : spira_copy_text(verb->noun);
}

char *spira_verb_command(const struct spira_verb *verb)
{
    SPIRA_CLEANUP(spira_free_at)
    char *title = spira_verb_title(verb);
    return spira_format("%s%s", verb->program ? "" : "spiractl ", title);
}

/* A usage error of verb, with the way to its help. */
static enum spira_code wrong(const struct spira_verb *verb, struct spira_error *err,
                             const char *what, const char *detail)
{
    SPIRA_CLEANUP(spira_free_at)
    char *title = spira_verb_title(verb);
    SPIRA_CLEANUP(spira_free_at)
    char *command = spira_verb_command(verb);
    return spira_fail(err, SPIRA_EINVALID, "%s: %s%s; see '%s --help'", title, what, detail,
                      command);
}

static enum spira_code unknown_option(const struct spira_verb *verb, const char *name,
                                      struct spira_error *err)
{
    const char *names[OPTIONS_MAX + 2] = {"help"};
    size_t count = 1;
    for (const struct spira_option *option = verb->options; option->name; option++) {
        assert(count <= OPTIONS_MAX);
        names[count++] = option->name;
    }
    const char *nearest = spira_nearest(name, names);
    SPIRA_CLEANUP(spira_free_at)
    char *detail = nearest ? spira_format("'--%s' (the nearest is '--%s')", name, nearest)
                           : spira_format("'--%s'", name);
    return wrong(verb, err, "unknown option ", detail);
}

static const struct spira_option *find_option(const struct spira_verb *verb, const char *name,
                                              size_t length)
{
    for (const struct spira_option *option = verb->options; option->name; option++)
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static const struct spira_option *find_letter(const struct spira_verb *verb, char letter)
{
    for (const struct spira_option *option = verb->options; option->name; option++)
        if (option->letter == letter)
            return option;
    return NULL;
}

static void add_given(struct spira_arguments *arguments, const struct spira_option *option,
                      const char *text)
{
    arguments->given[arguments->given_count++] = (struct spira_given){option, text};
}

/* One word that begins with a dash; *at moves on when its value is the next word. */
static enum spira_code parse_option(struct spira_arguments *arguments, int argc, char *const *argv,
                                    int *at, struct spira_error *err)
{
    const struct spira_verb *verb = arguments->verb;
    const char *word = argv[*at];
    const struct spira_option *option;
    const char *value = NULL;
    if (word[1] == '-') {
        const char *name = word + 2;
        size_t length = strcspn(name, "=");
        if (name[length] == '=')
            value = name + length + 1;
        option = find_option(verb, name, length);
        SPIRA_CLEANUP(spira_free_at)
        char *bare = spira_format("%.*s", (int)length, name);
        if (strcmp(bare, "help") == 0 && !value) {
            arguments->help = true;
            return SPIRA_OK;
        }
        if (!option)
            return unknown_option(verb, bare, err);
    } else {
        option = find_letter(verb, word[1]);
        if (word[1] == 'h' && !word[2]) {
            arguments->help = true;
            return SPIRA_OK;
        }
        if (!option)
            return wrong(verb, err, "unknown option ", word);
        if (word[2])
            value = word + 2;
    }
    if (!option->argument) {
        if (value)
            return wrong(verb, err, "no value goes with --", option->name);
        add_given(arguments, option, "");
        return SPIRA_OK;
    }
    if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value || !*value)
        return wrong(verb, err, "a value must follow --", option->name);
    add_given(arguments, option, value);
    return SPIRA_OK;
}

/* What must be there is there. */
static enum spira_code check(const struct spira_arguments *arguments, struct spira_error *err)
{
    const struct spira_verb *verb = arguments->verb;
    for (const struct spira_option *option = verb->options; option->name; option++)
        if (option->required && !spira_argument(arguments, option->name)) {
            SPIRA_CLEANUP(spira_free_at)
            char *detail = spira_format("--%s %s", option->name, option->argument);
            return wrong(verb, err, "missing option ", detail);
        }
    if (arguments->operand_count < verb->operands_least)
        return wrong(verb, err, "missing ", verb->operand);
    if (arguments->operand_count > verb->operands_most) {
        SPIRA_CLEANUP(spira_free_at)
        char *detail = spira_format("'%s'", arguments->operands[verb->operands_most]);
        return wrong(verb, err, "what is too much: ", detail);
    }
    return SPIRA_OK;
}

enum spira_code spira_arguments_parse(const struct spira_verb *verb, int argc, char *const *argv,
                                      struct spira_arguments *ret_arguments,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_arguments_done)
    struct spira_arguments arguments = {
        .verb = verb,
        .given = spira_alloc((size_t)argc + 1, sizeof *arguments.given),
        .operands = spira_alloc((size_t)argc + 1, sizeof *arguments.operands),
    };
    bool only_operands = false;
    enum spira_code code = SPIRA_OK;
    for (int at = 0; code == SPIRA_OK && !arguments.help && at < argc; at++) {
        if (!only_operands && strcmp(argv[at], "--") == 0)
            only_operands = true;
        else if (!only_operands && argv[at][0] == '-' && argv[at][1])
            code = parse_option(&arguments, argc, argv, &at, err);
        else
            arguments.operands[arguments.operand_count++] = argv[at];
    }
    if (code == SPIRA_OK && !arguments.help)
        code = check(&arguments, err);
    if (code != SPIRA_OK)
        return code;
    *ret_arguments = arguments;
    arguments = (struct spira_arguments){0};
    return SPIRA_OK;
}

void spira_arguments_done(struct spira_arguments *arguments)
{
    free(arguments->given);
    free(arguments->operands);
    *arguments = (struct spira_arguments){0};
}

bool spira_argument_known(const struct spira_arguments *arguments, const char *name)
{
    return find_option(arguments->verb, name, strlen(name)) != NULL;
}

size_t spira_argument_count(const struct spira_arguments *arguments, const char *name)
{
    assert(find_option(arguments->verb, name, strlen(name)));
    size_t count = 0;
    for (size_t i = 0; i < arguments->given_count; i++)
        count += strcmp(arguments->given[i].option->name, name) == 0;
    return count;
}

const char *spira_argument_at(const struct spira_arguments *arguments, const char *name,
                              size_t index)
{
    for (size_t i = 0; i < arguments->given_count; i++)
        if (strcmp(arguments->given[i].option->name, name) == 0 && index-- == 0)
            return arguments->given[i].text;
    return NULL;
}

const char *spira_argument(const struct spira_arguments *arguments, const char *name)
{
    size_t count = spira_argument_count(arguments, name);
    return count ? spira_argument_at(arguments, name, count - 1) : NULL;
}

static const char *variable(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

static size_t cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (size_t)count;
}

enum spira_code spira_argument_threads(const struct spira_arguments *arguments, size_t *ret_threads,
                                       struct spira_error *err)
{
    const char *origin = "--threads";
    const char *text = spira_argument(arguments, "threads");
    if (!text)
        text = variable(origin = "SPIRA_THREADS");
    if (!text)
        text = variable(origin = "OMP_NUM_THREADS");
    if (!text) {
        *ret_threads = cores();
        return SPIRA_OK;
    }
    char *end = NULL;
    errno = 0;
    unsigned long threads = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    /* OMP_NUM_THREADS may be a list, one number for each level of nesting; the first is ours. */
    bool whole = end && (!*end || (*end == ',' && strcmp(origin, "OMP_NUM_THREADS") == 0));
    if (errno || !whole || threads < 1 || threads > THREADS_MAX)
        return spira_fail(err, SPIRA_EINVALID, "%s: '%s' is no number of threads from 1 to %d",
                          origin, text, THREADS_MAX);
    *ret_threads = threads;
    return SPIRA_OK;
}

enum spira_code spira_argument_number(const struct spira_arguments *arguments, const char *name,
                                      int64_t least, int64_t most, int64_t preset,
                                      int64_t *ret_number, struct spira_error *err)
{
    const char *text = spira_argument(arguments, name);
    *ret_number = preset;
    if (!text)
        return SPIRA_OK;
    char *end = NULL;
    errno = 0;
    *ret_number = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : 0;
    if (!end || *end || errno || *ret_number < least || *ret_number > most)
        return spira_fail(err, SPIRA_EINVALID, "--%s: '%s' is no number from %jd to %jd", name,
                          text, (intmax_t)least, (intmax_t)most);
    return SPIRA_OK;
}

enum spira_code spira_argument_store(const struct spira_arguments *arguments,
                                     const char **ret_store, struct spira_error *err)
{
    const char *store = spira_argument(arguments, "store");
    if (!store)
        store = variable("SPIRA_STORE");
    if (!store)
        return wrong(arguments->verb, err, "no store: give --store DIR or set SPIRA_STORE", "");
    *ret_store = store;
    return SPIRA_OK;
}
