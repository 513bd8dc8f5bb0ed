/* The naive twin of core/audio/resample.c: the formula, sample by sample, in double. */
#ifndef SPIRA_TESTS_ORACLE_RESAMPLE_ORACLE_H
#define SPIRA_TESTS_ORACLE_RESAMPLE_ORACLE_H

#include <math.h>
#include <stddef.h>

/* Output j of x (count): sum over i of x(i) (b / from) sinc(pi t) cos(pi t / 12)^2 where |t| < 6,
 * t = b (i / from - j / to), b = 0.99 min(from, to). Rates need not be in lowest terms. */
static inline double oracle_resampled(const float *x, size_t count, double from, double to,
                                      size_t j)
{
    double b = 0.99 * fmin(from, to), sum = 0;
    for (size_t i = 0; i < count; i++) {
        double t = b * ((double)i / from - (double)j / to);
        if (fabs(t) >= 6)
            continue;
        double sinc = t == 0 ? 1 : sin(M_PI * t) / (M_PI * t);
        sum += (double)x[i] * b / from * sinc * pow(cos(M_PI * t / 12), 2);
    }
    return sum;
}

#endif
