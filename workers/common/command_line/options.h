/* Command lines as tables: nouns, their verbs, and each verb's options. The same tables parse a
 * command line and print --help (help.h). A worker's program is a single verb. */
#ifndef SPIRA_WORKERS_COMMON_COMMAND_LINE_OPTIONS_H
#define SPIRA_WORKERS_COMMON_COMMAND_LINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/memory.h"

struct spira_option {
    const char *name;     /* without dashes; NULL ends a table */
    const char *argument; /* what follows it, "FILE"; NULL: nothing, it is a switch */
    const char *sentence;
    char letter; /* its short form, or 0 */
    bool required;
    bool repeats; /* may come many times; of any other the last one counts */
};

struct spira_arguments;

struct spira_verb {
    const char *program; /* of a worker, whose whole command it is; NULL: a verb of spiractl */
    const char *noun;
    const char *name; /* NULL: the noun is the whole command */
    const char *sentence;
    const char *operand; /* what follows that is no option, "FILE"; NULL: nothing */
    size_t operands_least, operands_most;
    const struct spira_option *options;
    const char *details; /* more sentences for --help, lines ended; or NULL */
    const char *example;
    /* Does the work and returns the exit code, having said on stderr why it is not 0. */
    int (*run)(const struct spira_arguments *arguments);
};

struct spira_noun {
    const char *name;
    const char *sentence;
    const struct spira_verb *const *verbs; /* ends with NULL */
};

/* Options that mean the same in every verb. */
#define SPIRA_OPTION_OUTPUT                                                                        \
    {                                                                                              \
        "output", "FORMAT", "table (for people) or json; the default is table", 'o', false, false  \
    }
#define SPIRA_OPTION_STORE                                                                         \
    {                                                                                              \
        "store", "DIR", "the object store's folder; the default is SPIRA_STORE", 0, false, false   \
    }
#define SPIRA_OPTION_THREADS                                                                       \
    {                                                                                              \
        "threads", "N",                                                                            \
            "threads to use; the default is SPIRA_THREADS, else OMP_NUM_THREADS, else the cores",  \
            0, false, false                                                                        \
    }

/* A command line, taken apart by its verb's table. Borrows the command line. */
struct spira_arguments {
    const struct spira_verb *verb;
    struct spira_given {
        const struct spira_option *option;
        const char *text; /* "" for a switch */
    } * given;
    size_t given_count;
    const char **operands;
    size_t operand_count;
    bool help; /* --help or -h was asked for; the rest was not looked at */
};

/* "local run", "version", or the program of a worker. Free with free(). */
char *spira_verb_title(const struct spira_verb *verb);
/* What one types: the title with spiractl before it. Free with free(). */
char *spira_verb_command(const struct spira_verb *verb);

/* Takes apart what follows the verb: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, operands in
 * between, and after "--" operands only. Fills ret_arguments. SPIRA_EINVALID names the option that
 * is unknown (and the nearest there is), has no value or is missing. */
SPIRA_MUST_USE enum spira_code spira_arguments_parse(const struct spira_verb *verb, int argc,
                                                     char *const *argv,
                                                     struct spira_arguments *ret_arguments,
                                                     struct spira_error *err);
void spira_arguments_done(struct spira_arguments *arguments);

/* Whether the verb's table has this option. */
bool spira_argument_known(const struct spira_arguments *arguments, const char *name);

/* How often an option of the verb's table was given; its index-th value; its last value, or NULL.
 */
size_t spira_argument_count(const struct spira_arguments *arguments, const char *name);
const char *spira_argument_at(const struct spira_arguments *arguments, const char *name,
                              size_t index);
const char *spira_argument(const struct spira_arguments *arguments, const char *name);

/* The value of --threads, or of the first of the variables SPIRA_THREADS and OMP_NUM_THREADS that
 * is set, or the cores this process may use. SPIRA_EINVALID names the value that is no number from
 * 1 to 1024 and where it comes from. */
SPIRA_MUST_USE enum spira_code spira_argument_threads(const struct spira_arguments *arguments,
                                                      size_t *ret_threads, struct spira_error *err);

/* The whole number of an option, from least to most; preset where it was not given. SPIRA_EINVALID
 * names the value. */
SPIRA_MUST_USE enum spira_code spira_argument_number(const struct spira_arguments *arguments,
                                                     const char *name, int64_t least, int64_t most,
                                                     int64_t preset, int64_t *ret_number,
                                                     struct spira_error *err);

/* The value of --store, or of SPIRA_STORE. SPIRA_EINVALID: neither is there. Borrowed. */
SPIRA_MUST_USE enum spira_code spira_argument_store(const struct spira_arguments *arguments,
                                                    const char **ret_store,
                                                    struct spira_error *err);

/* The candidate (the list ends with NULL) that word is most likely a slip of the finger of, or
 * NULL. */
const char *spira_nearest(const char *word, const char *const *candidates);

#endif
