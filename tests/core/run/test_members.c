#include <criterion/criterion.h>

#include "core/run/members.h"

Test(members, without_folds_and_seeds_there_are_none)
{
    const struct spira_run_config config = {.seed = 42};
    cr_assert_eq(spira_member_count(&config), 0);
}

Test(members, folds_alone_are_trained_with_the_seed_of_the_run)
{
    const struct spira_run_config config = {.seed = 42, .train = {.folds = 3}};
    cr_assert_eq(spira_member_count(&config), 3);
    for (size_t i = 0; i < 3; i++) {
        struct spira_member member = spira_member_at(&config, i);
        cr_assert_eq(member.number, i);
        cr_assert_eq(member.folds, 3);
        cr_assert_eq(member.fold, i);
        cr_assert_eq(member.seed, 42);
    }
}

Test(members, seeds_alone_keep_the_roles)
{
    const struct spira_run_config config = {.seed = 42,
                                            .train = {.seeds = {7, 0}, .seed_count = 2}};
    cr_assert_eq(spira_member_count(&config), 2);
    cr_assert_eq(spira_member_at(&config, 0).folds, 0);
    cr_assert_eq(spira_member_at(&config, 0).seed, 7);
    cr_assert_eq(spira_member_at(&config, 1).seed, 0);
}

Test(members, each_fold_is_trained_with_each_seed)
{
    const struct spira_run_config config = {
        .seed = 42, .train = {.folds = 3, .seeds = {7, 8}, .seed_count = 2}};
    cr_assert_eq(spira_member_count(&config), 6);
    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq(spira_member_at(&config, i).fold, i / 2);
        cr_assert_eq(spira_member_at(&config, i).seed, 7 + i % 2);
    }
}
