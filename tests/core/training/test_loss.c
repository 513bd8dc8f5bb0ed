#include <criterion/criterion.h>

#include "core/training/loss.h"

enum { MAX = 8 };

static double weights[MAX];

/* Weights of windows with these labels. */
static void weigh(const float *labels, size_t count, bool per_frame, bool balanced)
{
    struct spira_window windows[MAX] = {0};
    for (size_t i = 0; i < count; i++)
        windows[i].label = labels[i];
    spira_loss_weights(windows, count, per_frame, balanced, weights);
}

static void expect(const double *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_assert_float_eq(weights[i], expected[i], 1e-15, "weight %zu is %.17g, not %.17g", i,
                           weights[i], expected[i]);
}

Test(loss, plain_is_the_mean_over_the_windows)
{
    weigh((const float[]){1, 0, 0, 0}, 4, false, false);
    expect((const double[]){0.25, 0.25, 0.25, 0.25}, 4);
}

Test(loss, balanced_gives_half_of_the_weight_to_each_class)
{
    weigh((const float[]){1, 0, 0, 0, 1}, 5, false, true);
    expect((const double[]){0.25, 1.0 / 6, 1.0 / 6, 1.0 / 6, 0.25}, 5);
}

Test(loss, balanced_with_one_class_is_its_mean)
{
    weigh((const float[]){0, 0, 0}, 3, false, true);
    expect((const double[]){1.0 / 3, 1.0 / 3, 1.0 / 3}, 3);
    weigh((const float[]){1, 1}, 2, false, true);
    expect((const double[]){0.5, 0.5}, 2);
}

Test(loss, a_soft_label_belongs_to_both_classes_by_its_share)
{
    /* sum y = 1.25, sum (1 - y) = 1.75 */
    weigh((const float[]){0.25f, 1, 0}, 3, false, true);
    expect((const double[]){0.5 * (0.25 / 1.25 + 0.75 / 1.75), 0.5 / 1.25, 0.5 / 1.75}, 3);
    weigh((const float[]){0.5f, 0.5f}, 2, false, true);
    expect((const double[]){0.5, 0.5}, 2);
}

Test(loss, weights_of_whole_windows_add_up_to_one)
{
    static const float labels[] = {0.125f, 1, 0, 0.875f, 0.5f, 0};
    for (int balanced = 0; balanced <= 1; balanced++) {
        weigh(labels, 6, false, balanced);
        double sum = 0;
        for (size_t i = 0; i < 6; i++)
            sum += weights[i];
        cr_assert_float_eq(sum, 1, 1e-15);
    }
}

Test(loss, per_frame_gradients_of_recordings_add_up)
{
    weigh((const float[]){1, 0, 0}, 3, true, false);
    expect((const double[]){1, 1, 1}, 3);
    weigh((const float[]){1, 0, 0}, 3, true, true);
    expect((const double[]){1.5, 0.75, 0.75}, 3);
}
