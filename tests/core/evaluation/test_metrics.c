#include <criterion/criterion.h>
#include <math.h>

#include "core/base/random.h"
#include "core/evaluation/metrics.h"
#include "tests/oracle/auc.h"

static double metric(const char *name, const struct spira_scored *scored, size_t count)
{
    const struct spira_metric *found = spira_metric_find(name);
    cr_assert_not_null(found, "no metric '%s'", name);
    return spira_metric_compute(found, scored, count, 0.5);
}

/* Checked by hand: tp 2, fn 1, tn 1, fp 1. */
static const struct spira_scored five[] = {
    {"a", true, 0.9}, {"b", true, 0.6}, {"c", true, 0.4}, {"d", false, 0.6}, {"e", false, 0.1}};

Test(metrics, follow_their_formulas)
{
    cr_assert_float_eq(metric("accuracy", five, 5), 3. / 5, 1e-15);
    cr_assert_float_eq(metric("sensitivity", five, 5), 2. / 3, 1e-15);
    cr_assert_float_eq(metric("specificity", five, 5), 1. / 2, 1e-15);
    cr_assert_float_eq(metric("balanced_accuracy", five, 5), 7. / 12, 1e-15);
    cr_assert_float_eq(metric("precision", five, 5), 2. / 3, 1e-15);
    cr_assert_float_eq(metric("f1", five, 5), 2. / 3, 1e-15);
    cr_assert_float_eq(metric("mcc", five, 5), 1. / 6, 1e-15);
    cr_assert_float_eq(metric("roc_auc", five, 5), 4.5 / 6, 1e-15);
    cr_assert_float_eq(metric("average_precision", five, 5), (1 + 2. / 3 + 3. / 4) / 3, 1e-15);
    cr_assert_float_eq(metric("brier", five, 5), (0.01 + 0.16 + 0.36 + 0.36 + 0.01) / 5, 1e-15);
    double loss = -(log(0.9) + log(0.6) + log(0.4) + log(0.4) + log(0.9)) / 5;
    cr_assert_float_eq(metric("log_loss", five, 5), loss, 1e-15);
}

Test(metrics, log_loss_clips_scores_of_zero_and_one)
{
    const struct spira_scored wrong[] = {{"a", true, 0}, {"b", false, 1}};
    cr_assert_float_eq(metric("log_loss", wrong, 2), -log(1e-7), 1e-9);
    const struct spira_scored right[] = {{"a", true, 1}, {"b", false, 0}};
    cr_assert_float_eq(metric("log_loss", right, 2), 1e-7, 1e-13);
}

Test(metrics, of_one_verdict_for_all_are_those_of_scikit_learn)
{
    const struct spira_scored all_negative[] = {{"a", true, 0.2}, {"b", false, 0.1}};
    cr_assert_eq(metric("precision", all_negative, 2), 0);
    cr_assert_eq(metric("f1", all_negative, 2), 0);
    cr_assert_eq(metric("mcc", all_negative, 2), 0);
    cr_assert_eq(metric("balanced_accuracy", all_negative, 2), 0.5);
}

Test(metrics, are_undefined_without_the_class_they_need)
{
    const struct spira_scored patients[] = {{"a", true, 0.2}, {"b", true, 0.9}};
    const struct spira_scored controls[] = {{"a", false, 0.2}, {"b", false, 0.9}};
    cr_assert_eq(metric("accuracy", patients, 2), 0.5);
    cr_assert_eq(metric("sensitivity", patients, 2), 0.5);
    cr_assert_eq(metric("precision", patients, 2), 1);
    const char *need_controls[] = {"specificity", "balanced_accuracy", "mcc", "roc_auc"};
    for (size_t i = 0; i < 4; i++)
        cr_assert(isnan(metric(need_controls[i], patients, 2)), "%s", need_controls[i]);
    cr_assert_eq(metric("specificity", controls, 2), 0.5);
    const char *need_patients[] = {"sensitivity", "balanced_accuracy", "precision",        "f1",
                                   "mcc",         "roc_auc",           "average_precision"};
    for (size_t i = 0; i < 7; i++)
        cr_assert(isnan(metric(need_patients[i], controls, 2)), "%s", need_patients[i]);
    for (const struct spira_metric *m = spira_metrics; m->name; m++)
        cr_assert(isnan(spira_metric_compute(m, NULL, 0, 0.5)), "%s of nothing", m->name);
}

Test(metrics, find_knows_every_name_and_no_other)
{
    size_t count = 0;
    for (const struct spira_metric *m = spira_metrics; m->name; m++, count++)
        cr_assert_eq(spira_metric_find(m->name), m);
    cr_assert_eq(count, 11);
    cr_assert_null(spira_metric_find("recall"));
    cr_assert_null(spira_metric_find(""));
}

Test(metrics, an_undefined_metric_is_written_as_null)
{
    const struct spira_scored patients[] = {{"a", true, 0.2}, {"b", true, 0.9}};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = spira_metrics_write(patients, 2, 0.5);
    cr_assert_eq(spira_value_count(map), 11);
    cr_assert_eq(spira_value_type(spira_value_get(map, "accuracy")), SPIRA_REAL);
    cr_assert_not_null(spira_value_get(map, "roc_auc"));
    cr_assert_eq(spira_value_type(spira_value_get(map, "roc_auc")), SPIRA_NULL);
}

/* Few distinct scores, so that most recordings tie with another. */
static size_t random_scores(struct spira_random *random, struct spira_scored *ret_scored)
{
    size_t count = 2 + spira_random_below(random, 60);
    uint64_t levels = 1 + spira_random_below(random, 20);
    for (size_t i = 0; i < count; i++)
        ret_scored[i] =
            (struct spira_scored){"r", i == 0 || (i > 1 && spira_random_u32(random) & 1),
                                  (double)spira_random_below(random, levels + 1) / (double)levels};
    return count;
}

Test(metrics, ranking_metrics_equal_their_definitions_on_random_ties)
{
    struct spira_random random = spira_random_stream(3, SPIRA_FOR_SPLIT, 1, 0);
    for (int round = 0; round < 500; round++) {
        struct spira_scored scored[64];
        size_t count = random_scores(&random, scored);
        cr_assert_float_eq(metric("roc_auc", scored, count), oracle_roc_auc(scored, count), 1e-12);
        cr_assert_float_eq(metric("average_precision", scored, count),
                           oracle_average_precision(scored, count), 1e-12);
    }
}

Test(metrics, swapping_the_classes_mirrors_them)
{
    struct spira_random random = spira_random_stream(4, SPIRA_FOR_SPLIT, 1, 0);
    for (int round = 0; round < 200; round++) {
        struct spira_scored scored[64], mirrored[64];
        size_t count = random_scores(&random, scored);
        for (size_t i = 0; i < count; i++) {
            /* Off the threshold: a mirrored 0.5 would be positive on both sides. */
            scored[i].score = 0.01 + 0.9 * scored[i].score;
            mirrored[i] = (struct spira_scored){"r", !scored[i].positive, 1 - scored[i].score};
        }
        const char *same[] = {"accuracy", "balanced_accuracy", "mcc", "roc_auc",
                              "brier",    "log_loss"};
        for (size_t i = 0; i < 6; i++)
            cr_assert_float_eq(metric(same[i], scored, count), metric(same[i], mirrored, count),
                               1e-12, "%s", same[i]);
        cr_assert_float_eq(metric("sensitivity", scored, count),
                           metric("specificity", mirrored, count), 1e-12);
    }
}
