/* The naive twin of core/features/extractor.c: one value at a time from its definition, in double,
 * without a fast transform, sparse filters or frames of a batch. */
#ifndef SPIRA_TESTS_ORACLE_FEATURES_ORACLE_H
#define SPIRA_TESTS_ORACLE_FEATURES_ORACLE_H

#include <math.h>
#include <stdlib.h>

#include "core/config/run_config.h"

/* x outside [0, count) is its mirror image. */
static inline double oracle_reflected(const float *x, long count, long i)
{
    i = labs(i);
    return (double)x[i < count ? i : 2 * (count - 1) - i];
}

/* |DFT bin k of frame t|^2. */
static inline double oracle_power(const struct spira_feature_config *config, const float *x,
                                  size_t count, size_t t, size_t k)
{
    long n = (long)config->n_fft, length = (long)config->win_length, left = (n - length) / 2;
    double re = 0, im = 0;
    for (long j = left; j < left + length; j++) {
        long at = (long)(t * config->hop_length) + j - n / 2;
        double window = 0.5 - 0.5 * cos(2 * M_PI * (double)(j - left) / (double)length);
        double value = window * oracle_reflected(x, (long)count, at);
        double angle = 2 * M_PI * (double)(j * (long)k % n) / (double)n;
        re += value * cos(angle);
        im -= value * sin(angle);
    }
    return re * re + im * im;
}

/* Weight of bin k in mel triangle m. */
static inline double oracle_mel_weight(const struct spira_feature_config *config, int rate_hz,
                                       size_t m, size_t k)
{
    double half = rate_hz / 2, fmax_hz = config->mel_fmax_hz > 0 ? config->mel_fmax_hz : half;
    double low = 2595 * log10(1 + config->mel_fmin_hz / 700);
    double step = (2595 * log10(1 + fmax_hz / 700) - low) / (double)(config->num_mels + 1);
    double corner[3];
    for (size_t i = 0; i < 3; i++)
        corner[i] = 700 * (pow(10, (low + step * (double)(m + i)) / 2595) - 1);
    double hz = half * (double)k / (double)(config->n_fft / 2);
    return fmax(0, fmin((hz - corner[0]) / (corner[1] - corner[0]),
                        (corner[2] - hz) / (corner[2] - corner[1])));
}

/* Fills mels (frames, num_mels). */
static inline void oracle_mels(const struct spira_feature_config *config, int rate_hz,
                               const float *x, size_t count, size_t frames, double *mels)
{
    for (size_t i = 0; i < frames * config->num_mels; i++)
        mels[i] = 0;
    for (size_t t = 0; t < frames; t++)
        for (size_t k = 0; k <= config->n_fft / 2; k++) {
            double power = oracle_power(config, x, count, t, k);
            for (size_t m = 0; m < config->num_mels; m++)
                mels[t * config->num_mels + m] += oracle_mel_weight(config, rate_hz, m, k) * power;
        }
}

/* Turns mels (frames, num_mels) into their logarithms, as an MFCC takes them. */
static inline void oracle_log(const struct spira_feature_config *config, size_t frames,
                              double *mels)
{
    double largest = -HUGE_VAL;
    size_t count = frames * config->num_mels;
    for (size_t i = 0; i < count; i++) {
        mels[i] = config->log_mels ? log(mels[i] + 1e-6) : 10 * log10(fmax(mels[i], 1e-10));
        largest = fmax(largest, mels[i]);
    }
    for (size_t i = 0; i < count && !config->log_mels; i++)
        mels[i] = fmax(mels[i], largest - 80);
}

/* Coefficient c of one frame's logarithms. */
static inline double oracle_mfcc(const struct spira_feature_config *config, const double *logs,
                                 size_t c)
{
    double sum = 0, mels = (double)config->num_mels;
    for (size_t m = 0; m < config->num_mels; m++)
        sum += logs[m] * cos(M_PI * (double)c * ((double)m + 0.5) / mels);
    return sum * sqrt((c == 0 ? 1 : 2) / mels);
}

#endif
