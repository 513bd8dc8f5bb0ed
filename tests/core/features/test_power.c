#include <criterion/criterion.h>

#include "core/features/power.h"

Test(power, points_are_the_smallest_divisor_that_holds_the_window)
{
    cr_assert_eq(spira_power_points(1200, 400), 400);
    cr_assert_eq(spira_power_points(1200, 401), 600);
    cr_assert_eq(spira_power_points(1200, 1200), 1200);
    cr_assert_eq(spira_power_points(512, 100), 128);
    cr_assert_eq(spira_power_points(405, 82), 135);
    cr_assert_eq(spira_power_points(3, 1), 3);
}

Test(power, points_have_no_prime_factor_above_five)
{
    cr_assert_eq(spira_power_points(1400, 300), 0); /* 350, 700 and 1400 are multiples of 7 */
    cr_assert_eq(spira_power_points(1400, 150), 200);
    cr_assert_eq(spira_power_points(1201, 400), 0);
    cr_assert_eq(spira_power_points(2, 1), 0);
}

Test(power, residues_up_to_half_the_step_are_computed)
{
    float window[7] = {1, 1, 1, 1, 1, 1, 1};
    struct spira_error err;
    static const struct {
        size_t n, win_length, points, residues;
    } cases[] = {{8, 7, 8, 1}, {16, 7, 8, 2}, {24, 7, 8, 2}, {32, 7, 8, 3}, {27, 7, 9, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SPIRA_CLEANUP(spira_power_done)
        struct spira_power_plan plan = {0};
        cr_assert_eq(spira_power_init(&plan, cases[i].n, window, cases[i].win_length, &err),
                     SPIRA_OK);
        cr_assert_eq(plan.points, cases[i].points);
        cr_assert_eq(plan.residue_count, cases[i].residues, "n %zu", cases[i].n);
    }
}
