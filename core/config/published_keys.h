/* The keys of the two published formats and what becomes of each. */
#ifndef SPIRA_CORE_CONFIG_PUBLISHED_KEYS_H
#define SPIRA_CORE_CONFIG_PUBLISHED_KEYS_H

#include "core/config/import.h"

enum spira_published_use {
    SPIRA_PUBLISHED_COPIED,  /* to a key of the run configuration */
    SPIRA_PUBLISHED_READ,    /* import.c decides */
    SPIRA_PUBLISHED_NOTHING, /* changes no result, here or there */
    SPIRA_PUBLISHED_WARNED   /* cannot be honoured; the note says why; null is nothing said */
};

struct spira_published_key {
    const char *key; /* dotted */
    enum spira_published_use use;
    const char *target;  /* copied: the dotted key of the run configuration */
    const char *when;    /* copied: only where this published key is true; NULL: always */
    const char *feature; /* copied: only for this kind of features; NULL: any */
    const char *note;
};

/* The rows of a format, ending with a NULL key; of NONE there are none. Static. */
const struct spira_published_key *spira_published_keys(enum spira_published_format format);

/* Where each format says what only import.c understands. */
struct spira_published_places {
    const char *noise, *overlap, *padding, *mixture,
        *decay; /* true or false; mixture may be NULL */
    const char *feature, *optimizer;
    const char *seed, *train_seed;
};
const struct spira_published_places *spira_published_places(enum spira_published_format format);

#endif
