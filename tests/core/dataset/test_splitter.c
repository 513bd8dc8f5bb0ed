#include <criterion/criterion.h>
#include <math.h>

#include "core/dataset/splitter.h"

enum { PATIENTS = 5000 };

/* How many of many patients are drawn into each role. */
static void count_roles(const struct spira_split_config *split, uint64_t seed,
                        size_t ret_counts[SPIRA_ROLES])
{
    for (int role = 0; role < SPIRA_ROLES; role++)
        ret_counts[role] = 0;
    for (int i = 0; i < PATIENTS; i++) {
        char patient[16];
        snprintf(patient, sizeof patient, "ward_%d", i);
        ret_counts[spira_split_draw(split, seed, patient)]++;
    }
}

Test(splitter, roles_have_names_and_validation_has_the_published_one_too)
{
    for (int role = 0; role < SPIRA_ROLES; role++)
        cr_assert_eq((int)spira_role_find(spira_role_name((enum spira_role)role)), role);
    cr_assert_eq(spira_role_find("eval"), SPIRA_VALIDATION);
    cr_assert_eq(spira_role_find("Train"), SPIRA_ROLES);
    cr_assert_eq(spira_role_find(""), SPIRA_ROLES);
}

Test(splitter, shares_come_out_roughly)
{
    const struct spira_split_config split = {.train = 0.6, .validation = 0.3, .test = 0.1};
    size_t counts[SPIRA_ROLES];
    count_roles(&split, 42, counts);
    cr_assert_float_eq((double)counts[SPIRA_TRAIN] / PATIENTS, 0.6, 0.03);
    cr_assert_float_eq((double)counts[SPIRA_VALIDATION] / PATIENTS, 0.3, 0.03);
    cr_assert_float_eq((double)counts[SPIRA_TEST] / PATIENTS, 0.1, 0.02);
}

Test(splitter, a_role_without_a_share_gets_nobody)
{
    size_t counts[SPIRA_ROLES];
    count_roles(&(struct spira_split_config){.train = 0.7, .validation = 0.3 - 1e-16}, 1, counts);
    cr_assert_eq(counts[SPIRA_TEST], 0);
    count_roles(&(struct spira_split_config){.train = 0.7, .test = 0.3}, 1, counts);
    cr_assert_eq(counts[SPIRA_VALIDATION], 0);
    count_roles(&(struct spira_split_config){.validation = 0.5, .test = 0.5}, 1, counts);
    cr_assert_eq(counts[SPIRA_TRAIN], 0);
}

Test(splitter, the_seed_and_the_patient_decide_and_nothing_else)
{
    const struct spira_split_config split = {.train = 0.5, .validation = 0.25, .test = 0.25};
    size_t moved = 0;
    for (int i = 0; i < PATIENTS; i++) {
        char patient[16];
        snprintf(patient, sizeof patient, "ward_%d", i);
        enum spira_role role = spira_split_draw(&split, 42, patient);
        cr_assert_eq(spira_split_draw(&split, 42, patient), role);
        moved += spira_split_draw(&split, 43, patient) != role;
    }
    /* 1 - (1/4 + 1/16 + 1/16) of them, when the two draws know nothing of each other. */
    cr_assert_float_eq((double)moved / PATIENTS, 0.625, 0.03);
}

Test(splitter, folds_share_the_patients_evenly_and_only_the_seed_and_the_patient_decide)
{
    enum { FOLDS = 5 };
    size_t counts[FOLDS] = {0}, moved = 0;
    for (int i = 0; i < PATIENTS; i++) {
        char patient[16];
        snprintf(patient, sizeof patient, "ward_%d", i);
        size_t fold = spira_fold_draw(FOLDS, 42, patient);
        cr_assert_lt(fold, FOLDS);
        cr_assert_eq(spira_fold_draw(FOLDS, 42, patient), fold);
        counts[fold]++;
        moved += spira_fold_draw(FOLDS, 43, patient) != fold;
    }
    for (size_t fold = 0; fold < FOLDS; fold++)
        cr_assert_float_eq((double)counts[fold] / PATIENTS, 0.2, 0.02);
    cr_assert_float_eq((double)moved / PATIENTS, 0.8, 0.02);
}

Test(splitter, a_role_says_nothing_of_the_fold)
{
    const struct spira_split_config split = {.train = 0.5, .validation = 0.5};
    size_t train = 0, first = 0;
    for (int i = 0; i < PATIENTS; i++) {
        char patient[16];
        snprintf(patient, sizeof patient, "ward_%d", i);
        if (spira_split_draw(&split, 42, patient) != SPIRA_TRAIN)
            continue;
        train++;
        first += spira_fold_draw(2, 42, patient) == 0;
    }
    cr_assert_float_eq((double)first / (double)train, 0.5, 0.04);
}
