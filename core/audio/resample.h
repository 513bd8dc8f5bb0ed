/* Band-limited resampling between any two integer rates: windowed-sinc interpolation with the
 * defaults of torchaudio's Resample (sinc_interp_hann, lowpass_filter_width 6, rolloff 0.99).
 * Smith, "Digital Audio Resampling Home Page", CCRMA, Stanford. */
#ifndef SPIRA_CORE_AUDIO_RESAMPLE_H
#define SPIRA_CORE_AUDIO_RESAMPLE_H

#include "core/base/memory.h"

/* One signal on its way from one rate to another: with in = from_hz / gcd, out = to_hz / gcd and
 * b = 0.99 min(in, out),
 *   y(j) = sum over i of x(i) h(b (i / in - j / out)),
 *   h(t) = (b / in) sinc(pi t) cos(pi t / 12)^2 for |t| < 6, else 0; x is 0 outside the signal.
 * Blocks may be of any size: cutting a signal into other blocks gives the same bits. One thread at
 * a time. */
struct spira_resampler;

/* Gives ret_resampler. Rates in Hz, both at least 1; SPIRA_EINVALID otherwise. The kernels take at
 * most 16 MB for rates of at most 192 kHz. Free with spira_resampler_free. */
SPIRA_MUST_USE enum spira_code spira_resampler_new(int from_hz, int to_hz,
                                                   struct spira_resampler **ret_resampler,
                                                   struct spira_error *err);
void spira_resampler_free(struct spira_resampler *resampler);

/* The most samples that pushing count more and then flushing can give. */
size_t spira_resampler_room(const struct spira_resampler *resampler, size_t count);

/* Borrows the next count samples of the signal; fills ret_samples with those that are now certain
 * and returns how many. */
size_t spira_resampler_push(struct spira_resampler *resampler, const float *samples, size_t count,
                            float *ret_samples);

/* The signal has ended: fills ret_samples with the rest and returns how many. Nothing may be pushed
 * after it. */
size_t spira_resampler_flush(struct spira_resampler *resampler, float *ret_samples);

/* Length of count samples after resampling: ceil(count * to_hz / from_hz). */
size_t spira_resampled_count(size_t count, int from_hz, int to_hz);

/* A whole signal at once. Fills ret_samples (spira_resampled_count). SPIRA_EINVALID as in new. */
SPIRA_MUST_USE enum spira_code spira_resample(const float *samples, size_t count, int from_hz,
                                              int to_hz, float *ret_samples,
                                              struct spira_error *err);

/* For SPIRA_CLEANUP. */
static inline void spira_resampler_free_at(struct spira_resampler **resampler)
{
    spira_resampler_free(*resampler);
}

#endif
