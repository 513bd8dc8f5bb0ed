/* The discrete Fourier transform by its definition, in double. */
#ifndef SPIRA_TESTS_ORACLE_FOURIER_ORACLE_H
#define SPIRA_TESTS_ORACLE_FOURIER_ORACLE_H

#include <math.h>
#include <stddef.h>

/* |sum over j < count of x(j) w(j) exp(-2 pi i j k / n)|^2. */
static inline double oracle_windowed_power(const float *x, const float *w, size_t count, size_t n,
                                           size_t k)
{
    double re = 0, im = 0;
    for (size_t j = 0; j < count; j++) {
        double angle = -2 * M_PI * (double)(j * k % n) / (double)n;
        re += (double)x[j] * (double)w[j] * cos(angle);
        im += (double)x[j] * (double)w[j] * sin(angle);
    }
    return re * re + im * im;
}

#endif
