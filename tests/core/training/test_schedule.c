#include <criterion/criterion.h>
#include <math.h>

#include "core/training/schedule.h"

/* Steps of the reference framework's schedule, base 1e-3. */
static const struct {
    size_t warmup;
    uint64_t step;
    double rate;
} known[] = {
    {500, 1, 2e-06},
    {500, 100, 0.0002},
    {500, 499, 0.000998},
    {500, 500, 0.001},
    {500, 501, 0.0009990014975043671},
    {500, 3000, 0.00040824829046386303},
    {1000, 2, 2e-06},
    {1000, 1000, 0.0009999999999999998},
    {1000, 1001, 0.0009995003746877732},
    {1000, 3000, 0.0005773502691896257},
};

Test(schedule, noam_gives_the_rates_of_the_reference_framework)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_assert_float_eq(spira_noam_rate(1e-3, known[i].warmup, known[i].step), known[i].rate,
                           1e-15, "warmup %zu, step %ju", known[i].warmup,
                           (uintmax_t)known[i].step);
}

Test(schedule, noam_is_the_published_formula_and_peaks_at_the_end_of_the_warmup)
{
    for (size_t warmup = 1; warmup <= 1000; warmup *= 10)
        for (uint64_t s = 1; s <= 3000; s++) {
            double w = (double)warmup, rate = spira_noam_rate(2e-3, warmup, s);
            double formula = 2e-3 * sqrt(w) * fmin((double)s * pow(w, -1.5), pow((double)s, -0.5));
            cr_assert_float_eq(rate, formula, 1e-12 * formula);
            cr_assert_leq(rate, 2e-3);
            if (s == warmup)
                cr_assert_eq(rate, 2e-3);
        }
}

Test(schedule, without_a_scheduler_the_rate_is_constant)
{
    struct spira_train_config config = {.learning_rate = 3e-4, .warmup_steps = 10};
    cr_assert_eq(spira_learning_rate(&config, 1), 3e-4);
    cr_assert_eq(spira_learning_rate(&config, 100000), 3e-4);
    config.noam = true;
    cr_assert_eq(spira_learning_rate(&config, 5), 1.5e-4);
}
