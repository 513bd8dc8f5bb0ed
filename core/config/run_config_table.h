/* The keys of a run configuration: one row each. Reading, writing, the messages and docs/CONFIG.md
 * all come from the rows. */
#ifndef SPIRA_CORE_CONFIG_RUN_CONFIG_TABLE_H
#define SPIRA_CORE_CONFIG_RUN_CONFIG_TABLE_H

#include "core/config/run_config.h"

enum spira_config_type {
    SPIRA_CONFIG_SECTION,      /* an object */
    SPIRA_CONFIG_SWITCHED,     /* an object, or null: off; the member is a bool */
    SPIRA_CONFIG_NAME,         /* lower-case letters, digits, "._-"; the member is an array */
    SPIRA_CONFIG_OBJECT,       /* a key in the store, or null; the member is an owned text */
    SPIRA_CONFIG_SEED,         /* a uint64_t */
    SPIRA_CONFIG_INT,          /* an int */
    SPIRA_CONFIG_COUNT,        /* a size_t */
    SPIRA_CONFIG_REAL,         /* a double */
    SPIRA_CONFIG_REAL_OR_NULL, /* a double; null is 0 */
    SPIRA_CONFIG_BOOL,
    SPIRA_CONFIG_WORD,        /* the word's index, in an enum or a bool; or the one word there is */
    SPIRA_CONFIG_PREFIXES,    /* a list of texts, or null for none */
    SPIRA_CONFIG_SEEDS,       /* a list of different whole numbers */
    SPIRA_CONFIG_METRIC,      /* "loss" (NULL), or a const struct spira_metric * */
    SPIRA_CONFIG_GATES,       /* a list of {metric, at_least} */
    SPIRA_CONFIG_GATE_METRIC, /* in each of the gates, never left out */
    SPIRA_CONFIG_GATE_AT_LEAST /* the same */
};

struct spira_config_key {
    const char *key; /* dotted */
    enum spira_config_type type;
    bool young;               /* spira_run_config_section leaves it out where it has its default */
    size_t offset, size;      /* of the member of struct spira_run_config; size 0: none */
    double fallback;          /* numbers; bool and switched: 1 for true; words: the index */
    double min, max;          /* numbers */
    const char *name;         /* a name's default */
    const char *const *words; /* ends with NULL */
    const char *sentence;
};

/* Every key in the order of the document, a section before what is in it; ends with a NULL key.
 * Static. */
extern const struct spira_config_key spira_config_keys[];

/* The row of a dotted key, or NULL. */
const struct spira_config_key *spira_config_key_find(const char *dotted_key);

/* The key somebody may have meant by one that is unknown, or NULL when none is near. */
const struct spira_config_key *spira_config_key_nearest(const char *dotted_key);

/* Gives what a key takes, to follow "is not": "a whole number from 1 to 100000". Free with free().
 */
char *spira_config_key_takes(const struct spira_config_key *key);

/* Whether a key takes a value, by itself; any value for the keys of a gate, which the list checks.
 */
bool spira_config_key_fits(const struct spira_config_key *key, const struct spira_value *value);

/* Gives the value of a key that is left out; NULL for those of a gate. */
struct spira_value *spira_config_key_fallback(const struct spira_config_key *key);

#endif
