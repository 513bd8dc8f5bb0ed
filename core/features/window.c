#include "core/features/window.h"

#include <math.h>

void spira_window_hann(float *ret_window, size_t length)
{
    for (size_t j = 0; j < length; j++)
        ret_window[j] = (float)(0.5 - 0.5 * cos(2 * M_PI * (double)j / (double)length));
}
