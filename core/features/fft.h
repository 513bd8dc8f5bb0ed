/* Tables of the complex discrete Fourier transform of n = 2^a 3^b 5^c points by decimation in time:
 * Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965.
 * core/features/frame_kernel.c computes it. */
#ifndef SPIRA_CORE_FEATURES_FFT_H
#define SPIRA_CORE_FEATURES_FFT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/memory.h"

enum { SPIRA_FFT_STAGES_MAX = 32, SPIRA_FFT_RADIX_MAX = 5 };

/* One factor: the transform of radix * rest points is joined from those of every radix-th point,
 *   X(k + q rest) = sum over s < radix of exp(-2 pi i s q / radix) turn(k,s) X_s(k),
 *   turn(k,s) = exp(-2 pi i s k / (radix rest)), k < rest, q < radix. */
struct spira_fft_stage {
    size_t radix, rest;
    float (*turns)[2]; /* (rest, radix - 1) of (re, im): s = 1 and on */
};

/* Read only after init. */
struct spira_fft {
    size_t points, stage_count;
    struct spira_fft_stage stages[SPIRA_FFT_STAGES_MAX]; /* the whole transform's first */
    float (*turns)[2];                                   /* of all stages */
};

/* Whether n is 2 or more and has no prime factor but 2, 3 and 5. */
bool spira_fft_covers(size_t n);

/* Fills ret_fft; free with spira_fft_done. spira_fft_covers(n). SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_fft_init(struct spira_fft *ret_fft, size_t n,
                                              struct spira_error *err);
void spira_fft_done(struct spira_fft *fft);

#endif
