/* The analysis window of a short-time Fourier transform. */
#ifndef SPIRA_CORE_FEATURES_WINDOW_H
#define SPIRA_CORE_FEATURES_WINDOW_H

#include <stddef.h>

/* Periodic Hann window: w(j) = 0.5 - 0.5 cos(2 pi j / length). Fills ret_window (length). */
void spira_window_hann(float *ret_window, size_t length);

#endif
