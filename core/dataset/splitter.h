/* Which part of the dataset a patient belongs to (the thesis's DatasetSplitter). A patient is never
 * in two. */
#ifndef SPIRA_CORE_DATASET_SPLITTER_H
#define SPIRA_CORE_DATASET_SPLITTER_H

#include "core/config/run_config.h"

enum spira_role { SPIRA_TRAIN, SPIRA_VALIDATION, SPIRA_TEST, SPIRA_ROLES };

/* "train", "validation", "test". */
const char *spira_role_name(enum spira_role role);
/* The role of a name, also "eval" for validation as the published files say; SPIRA_ROLES for any
 * other. */
enum spira_role spira_role_find(const char *name);

/* The role the seed draws for a patient: a uniform number named by (seed, patient) against the
 * cumulated shares. It depends on nothing else, so a growing corpus moves nobody. */
enum spira_role spira_split_draw(const struct spira_split_config *split, uint64_t seed,
                                 const char *patient);

/* The fold of cross-validation, from 0, that the seed deals a patient into: drawn as roles are, and
 * independently of them. folds > 0. */
size_t spira_fold_draw(size_t folds, uint64_t seed, const char *patient);

#endif
