#include <criterion/criterion.h>

#include "core/features/overlap.h"

Test(overlap, the_last_full_window_counts)
{
    cr_assert_eq(spira_overlap_windows(64000, 64000, 16000), 1);
    cr_assert_eq(spira_overlap_windows(79999, 64000, 16000), 1);
    cr_assert_eq(spira_overlap_windows(80000, 64000, 16000), 2);
    cr_assert_eq(spira_overlap_windows(96000, 64000, 16000), 3);
}

Test(overlap, a_recording_shorter_than_a_window_has_none)
{
    cr_assert_eq(spira_overlap_windows(63999, 64000, 16000), 0);
    cr_assert_eq(spira_overlap_windows(0, 1, 1), 0);
}

Test(overlap, every_window_lies_inside_and_one_more_would_not)
{
    for (size_t count = 1; count < 60; count++)
        for (size_t window = 1; window <= count; window++)
            for (size_t step = 1; step < 9; step++) {
                size_t windows = spira_overlap_windows(count, window, step);
                cr_assert_leq((windows - 1) * step + window, count);
                cr_assert_gt(windows * step + window, count);
            }
}

Test(overlap, seconds_are_rounded_to_samples)
{
    cr_assert_eq(spira_overlap_samples(4, 16000), 64000);
    cr_assert_eq(spira_overlap_samples(0.1, 44100), 4410);
    cr_assert_eq(spira_overlap_samples(0.3, 10), 3);
    cr_assert_eq(spira_overlap_samples(1e-9, 16000), 1);
}
