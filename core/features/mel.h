/* Triangular mel filters: HTK's mel scale, no normalisation of their areas, as torchaudio's
 * melscale_fbanks. Young et al., "The HTK Book", section 5.4. */
#ifndef SPIRA_CORE_FEATURES_MEL_H
#define SPIRA_CORE_FEATURES_MEL_H

#include <stddef.h>

#include "core/base/memory.h"

/* The bins where a filter is above zero. */
struct spira_mel_filter {
    size_t first_bin;
    size_t count;
    float *weights; /* (count) */
};

/* Read only after new; any number of threads. */
struct spira_mel {
    size_t num_mels, bins;
    struct spira_mel_filter *filters; /* (num_mels) */
    float *weights;                   /* of all filters, one after the other */
};

/* Filters over the bins = n_fft/2+1 of a spectrum up to half the rate, their corners equally spaced
 * on mel(f) = 2595 log10(1 + f / 700) from fmin_hz to fmax_hz (0: half the rate). Fills ret_mel;
 * free with spira_mel_done. bins >= 2, num_mels >= 1. SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_mel_init(struct spira_mel *ret_mel, size_t bins,
                                              size_t num_mels, double fmin_hz, double fmax_hz,
                                              int rate_hz, struct spira_error *err);
void spira_mel_done(struct spira_mel *mel);

#endif
