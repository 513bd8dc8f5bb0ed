#include "core/run/members.h"

#include <assert.h>

/* Members of one fold. */
static size_t seeds_of(const struct spira_run_config *config)
{
    return config->train.seed_count ? config->train.seed_count : 1;
}

size_t spira_member_count(const struct spira_run_config *config)
{
    if (config->train.folds == 0)
        return config->train.seed_count;
    return config->train.folds * seeds_of(config);
}

struct spira_member spira_member_at(const struct spira_run_config *config, size_t number)
{
    assert(number < spira_member_count(config));
    size_t seeds = seeds_of(config);
    return (struct spira_member){
        .number = number,
        .folds = config->train.folds,
        .fold = number / seeds,
        .seed = config->train.seed_count ? config->train.seeds[number % seeds] : config->seed,
    };
}

void spira_member_describe(const struct spira_member *member, struct spira_value *map)
{
    spira_value_set_int(map, "member", (int64_t)member->number);
    if (member->folds > 0) {
        spira_value_set_int(map, "fold", (int64_t)member->fold);
        spira_value_set_int(map, "folds", (int64_t)member->folds);
    }
    spira_value_set_int(map, "seed", (int64_t)member->seed);
}
