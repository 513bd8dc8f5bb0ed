#include <criterion/criterion.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/evaluation/roc.h"

Test(roc, equal_scores_are_one_cut)
{
    const struct spira_scored scored[] = {
        {"a", true, 0.2}, {"b", false, 0.7}, {"c", true, 0.7}, {"d", true, 0.7}};
    size_t count;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_cut *cuts = spira_roc_cuts(scored, 4, &count);
    cr_assert_eq(count, 2);
    cr_assert_eq(cuts[0].tp, 2);
    cr_assert_eq(cuts[0].fp, 1);
    cr_assert_eq(cuts[1].tp, 3);
    cr_assert_eq(cuts[1].fp, 1);
}

/* The ranking is p p n p n n. The last but one point is on the way from (1/3, 1) to (1, 1); the
 * first one, (0, 1/3), stays, because scikit-learn puts the origin before it only after dropping.
 */
Test(roc, points_on_a_straight_line_are_dropped)
{
    const struct spira_scored scored[] = {{"a", false, 0.1}, {"b", false, 0.2}, {"c", true, 0.9},
                                          {"d", true, 0.8},  {"e", true, 0.7},  {"f", false, 0.75}};
    SPIRA_CLEANUP(spira_roc_done)
    struct spira_roc roc = spira_roc_curve(scored, 6);
    const double fpr[] = {0, 0, 0, 1. / 3, 1. / 3, 1};
    const double tpr[] = {0, 1. / 3, 2. / 3, 2. / 3, 1, 1};
    cr_assert_eq(roc.count, 6);
    for (size_t i = 0; i < roc.count; i++) {
        cr_assert_float_eq(roc.fpr[i], fpr[i], 1e-15);
        cr_assert_float_eq(roc.tpr[i], tpr[i], 1e-15);
    }
}

Test(roc, has_no_points_without_both_classes)
{
    const struct spira_scored scored[] = {{"a", true, 0.1}, {"b", true, 0.2}};
    SPIRA_CLEANUP(spira_roc_done)
    struct spira_roc roc = spira_roc_curve(scored, 2);
    cr_assert_eq(roc.count, 0);
    cr_assert_eq(spira_roc_curve(NULL, 0).count, 0);
}

Test(roc, rises_from_the_origin_to_one_whatever_the_scores)
{
    struct spira_random random = spira_random_stream(7, SPIRA_FOR_SPLIT, 0, 0);
    for (int round = 0; round < 200; round++) {
        struct spira_scored scored[40];
        size_t count = 2 + spira_random_below(&random, 39);
        for (size_t i = 0; i < count; i++)
            scored[i] =
                (struct spira_scored){"r", i == 0 || (i > 1 && spira_random_u32(&random) & 1),
                                      (double)spira_random_below(&random, 8) / 7};
        SPIRA_CLEANUP(spira_roc_done)
        struct spira_roc roc = spira_roc_curve(scored, count);
        cr_assert_eq(roc.fpr[0] + roc.tpr[0], 0);
        cr_assert_eq(roc.fpr[roc.count - 1] + roc.tpr[roc.count - 1], 2);
        for (size_t i = 1; i < roc.count; i++)
            cr_assert(roc.fpr[i] >= roc.fpr[i - 1] && roc.tpr[i] >= roc.tpr[i - 1]);
    }
}
