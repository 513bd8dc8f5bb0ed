/* The trainings of one run, its members: one for each fold of cross-validation (train.folds) and
 * each seed (train.seeds). */
#ifndef SPIRA_CORE_RUN_MEMBERS_H
#define SPIRA_CORE_RUN_MEMBERS_H

#include "core/config/run_config.h"

struct spira_member {
    size_t number;      /* from 0: those of one fold follow each other */
    size_t folds, fold; /* its validation role is that fold; folds 0: the dataset's roles */
    uint64_t seed;      /* of weights, order, dropout and mixture */
};

/* How many members a run has; 0 when it asks for neither folds nor seeds and trains once. */
size_t spira_member_count(const struct spira_run_config *config);

/* One of them; number is below their count. */
struct spira_member spira_member_at(const struct spira_run_config *config, size_t number);

/* Sets what says of a member which it is: "member", "fold" and "folds" where there are folds,
 * "seed". */
void spira_member_describe(const struct spira_member *member, struct spira_value *map);

#endif
