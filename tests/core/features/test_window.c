#include <criterion/criterion.h>

#include "core/features/window.h"

Test(window, is_a_periodic_hann)
{
    float window[8];
    spira_window_hann(window, 8);
    cr_assert_eq(window[0], 0);
    cr_assert_eq(window[4], 1);
    cr_assert_float_eq(window[1], 0.14644661f, 1e-7f);
    /* Periodic: two windows half a length apart add to one; a symmetric one's would not. */
    for (int j = 0; j < 4; j++)
        cr_assert_float_eq(window[j] + window[j + 4], 1, 1e-7f);
}
