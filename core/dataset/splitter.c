#include "core/dataset/splitter.h"

#include <assert.h>

#include "core/base/random.h"

static const char *const names[SPIRA_ROLES] = {"train", "validation", "test"};

const char *spira_role_name(enum spira_role role)
{
    assert(role < SPIRA_ROLES);
    return names[role];
}

enum spira_role spira_role_find(const char *name)
{
    if (strcmp(name, "eval") == 0)
        return SPIRA_VALIDATION;
    int role = SPIRA_TRAIN;
    while (role < SPIRA_ROLES && strcmp(name, names[role]) != 0)
        role++;
    return (enum spira_role)role;
}

enum spira_role spira_split_draw(const struct spira_split_config *split, uint64_t seed,
                                 const char *patient)
{
    struct spira_random random =
        spira_random_stream(seed, SPIRA_FOR_SPLIT, spira_hash_text(patient), 0);
    double drawn = spira_random_unit(&random);
    if (drawn < split->train)
        return SPIRA_TRAIN;
    /* With no test share the rest is validation, whatever the sum of the shares rounds to. */
    return drawn < split->train + split->validation || split->test <= 0 ? SPIRA_VALIDATION
                                                                        : SPIRA_TEST;
}

size_t spira_fold_draw(size_t folds, uint64_t seed, const char *patient)
{
    assert(folds > 0);
    struct spira_random random =
        spira_random_stream(seed, SPIRA_FOR_FOLDS, spira_hash_text(patient), 0);
    return (size_t)spira_random_below(&random, folds);
}
