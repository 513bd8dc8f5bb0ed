#include <criterion/criterion.h>

#include "core/evaluation/confusion.h"

Test(confusion, a_score_at_the_threshold_is_positive)
{
    const struct spira_scored scored[] = {{"a", true, 0.5},
                                          {"b", true, 0.49999999},
                                          {"c", false, 0.5},
                                          {"d", false, 0.1},
                                          {"e", true, 0.9}};
    struct spira_confusion confusion = spira_confusion_at(scored, 5, 0.5);
    cr_assert_eq(confusion.tp, 2);
    cr_assert_eq(confusion.fn, 1);
    cr_assert_eq(confusion.fp, 1);
    cr_assert_eq(confusion.tn, 1);
}

Test(confusion, of_nothing_is_all_zero)
{
    struct spira_confusion confusion = spira_confusion_at(NULL, 0, 0.5);
    cr_assert_eq(confusion.tp + confusion.fp + confusion.tn + confusion.fn, 0);
}
