#include "tests/core/dataset/plan_parts.h"

TestSuite(plan_folds, .init = setup);

Test(plan_folds, folds_deal_every_patient_who_is_not_tested)
{
    config.train.folds = 3;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(300));
    const struct spira_value *recordings = spira_value_get(plan, "recordings");
    size_t in_fold[3] = {0}, tested = 0;
    for (size_t i = 0; i < 300; i++) {
        const struct spira_value *row = spira_value_at(recordings, i);
        if (strcmp(field_of(plan, i, "role"), "test") == 0) {
            cr_assert_null(spira_value_get(row, "fold"));
            cr_assert_eq(spira_value_get_int(row, "copies", 0), 1);
            tested++;
            continue;
        }
        cr_assert_eq(spira_value_get_int(row, "copies", 0), 3, "each is in a train role");
        int64_t fold = spira_value_get_int(row, "fold", -1);
        cr_assert(fold >= 0 && fold < 3);
        in_fold[fold]++;
        for (size_t j = 0; j < i; j++)
            if (strcmp(field_of(plan, i, "patient"), field_of(plan, j, "patient")) == 0)
                cr_assert_eq(spira_value_get_int(spira_value_at(recordings, j), "fold", -1), fold,
                             "a patient in two folds");
    }
    cr_assert_eq(in_fold[0] + in_fold[1] + in_fold[2] + tested, 300);
}

Test(plan_folds, a_growing_corpus_moves_nobody_to_another_fold)
{
    config.train.folds = 4;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *before = plan_of(corpus_of(150));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *after = plan_of(corpus_of(300));
    for (size_t i = 0; i < 150; i++) {
        const struct spira_value *old = spira_value_at(spira_value_get(before, "recordings"), i);
        const struct spira_value *row =
            find_row(spira_value_get(after, "recordings"), "sha256", field_of(before, i, "sha256"));
        cr_assert_eq(spira_value_get_int(row, "fold", -1), spira_value_get_int(old, "fold", -1));
    }
}

Test(plan_folds, without_folds_nobody_is_in_one)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(90));
    for (size_t i = 0; i < 90; i++)
        cr_assert_null(
            spira_value_get(spira_value_at(spira_value_get(plan, "recordings"), i), "fold"));
}

Test(plan_folds, folds_need_no_validation_role)
{
    config.train.folds = 2;
    config.split = (struct spira_split_config){.train = 0.8, .test = 0.2};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(90));
    cr_assert(plan);
}

Test(plan_folds, a_fold_that_lacks_a_class_is_refused_with_what_to_change)
{
    struct spira_error err;
    config.train.folds = 40;
    cr_assert_eq(failure_of(corpus_of(90), &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "of 40 has no recording of label"), "%s", err.message);
    cr_assert(strstr(err.message, "change train.folds"), "%s", err.message);
}
