/* Spectrogram, melspectrogram and mel-frequency cepstral coefficients of a stretch of speech, as
 * torchaudio's transforms of these names. */
#ifndef SPIRA_CORE_FEATURES_EXTRACTOR_H
#define SPIRA_CORE_FEATURES_EXTRACTOR_H

#include "core/config/run_config.h"
#include "core/ports/fourier.h"

/* Window, filters, transform plan: made once, then read only. One extractor serves any number of
 * threads, each with a workspace of its own. */
struct spira_feature_extractor;

/* Gives ret_extractor; free with spira_feature_extractor_free. Keeps fourier. SPIRA_EINVALID when
 * the configuration contradicts itself (win_length above n_fft, num_mfcc above num_mels, mel_fmin
 * not below mel_fmax), and codes of spira_dispatch_level. */
SPIRA_MUST_USE enum spira_code spira_feature_extractor_new(
    const struct spira_feature_config *config, int rate_hz, struct spira_fourier fourier,
    struct spira_feature_extractor **ret_extractor, struct spira_error *err);
void spira_feature_extractor_free(struct spira_feature_extractor *extractor);

/* The fewest samples a stretch may have: reflecting n_fft/2 samples at its ends needs one more. */
size_t spira_feature_extractor_min_samples(const struct spira_feature_extractor *extractor);
/* Frames of a stretch of at least that many samples: 1 + samples / hop_length. */
size_t spira_feature_extractor_frames(const struct spira_feature_extractor *extractor,
                                      size_t samples);
/* Values per frame: n_fft/2+1, num_mels or num_mfcc. */
size_t spira_feature_extractor_dims(const struct spira_feature_extractor *extractor);

/* Memory of one thread; starts zeroed, ends with done. Frames are computed lanes at a time, as many
 * as the machine's vectors hold (core/features/frame_kernel.h). */
struct spira_feature_workspace {
    float *frame;     /* (n_fft), for the fourier port */
    float *reflected; /* (lanes, win_length): windows that reach over an end */
    float *x;         /* (points of a transform, lanes) */
    float *spectra;   /* (points of a transform, 2, lanes) */
    float *power;     /* (n_fft/2+1, lanes) */
    float *rows;      /* (num_mels, lanes): mels, later coefficients */
    float *mels;      /* (max_batches, num_mels, lanes), for mfcc */
    size_t max_batches;
};

/* Makes workspace fit stretches of up to samples samples of this one extractor. SPIRA_ENOMEMORY:
 * workspace is as before. */
SPIRA_MUST_USE enum spira_code
spira_feature_workspace_reserve(struct spira_feature_workspace *workspace,
                                const struct spira_feature_extractor *extractor, size_t samples,
                                struct spira_error *err);
void spira_feature_workspace_done(struct spira_feature_workspace *workspace);

/* With w the Hann window of win_length centred in n_fft and x reflected at both ends:
 *   spectrogram     P(t,k) = |sum over j of w(j) x(t hop + j - n_fft/2) exp(-2 pi i j k / n_fft)|^2
 *   melspectrogram  M(t,m) = sum over k of filter(m,k) P(t,k)
 *   mfcc            C(t,c) = sum over m of D(m,c) L(t,m), D the DCT and
 *                   L = ln(M + 1e-6) when log_mels, else
 *                   L = 10 log10(max(M, 1e-10)), at least (maximum over t,m) - 80
 * The bits are the same on every machine, wherever a frame lies, unless n_fft has no divisor that
 * core/features/power.h transforms: then they are the fourier port's. samples (count >=
 * min_samples) borrows; ret_features (frames, dims) fills; workspace is reserved for count.
 * Allocates nothing. */
void spira_feature_extractor_compute(const struct spira_feature_extractor *extractor,
                                     struct spira_feature_workspace *workspace,
                                     const float *samples, size_t count, float *ret_features);

/* Frames of a stretch that is too long to be held: they look only at samples around them. */
struct spira_feature_part {
    const float *samples; /* of the stretch, from sample from on, as far as the span goes */
    size_t from;
    size_t count;         /* samples of the whole stretch */
    size_t first, frames; /* the frames that are wanted, at least one */
    float loudest;        /* where the extractor listens: what it found in the whole stretch */
};

/* Fills part->from and ret_held, the samples from there on that the part's frames look at. */
void spira_feature_extractor_span(const struct spira_feature_extractor *extractor,
                                  struct spira_feature_part *part, size_t *ret_held);
/* The most samples that parts of that many frames look at; a workspace reserved for so many fits
 * them. */
size_t spira_feature_extractor_span_most(const struct spira_feature_extractor *extractor,
                                         size_t frames);

/* Whether what is loudest in the whole stretch matters to every frame: mfcc in decibels. */
bool spira_feature_extractor_listens(const struct spira_feature_extractor *extractor);
/* The largest M(t,m) of the part's frames; workspace is reserved. */
float spira_feature_extractor_loudest(const struct spira_feature_extractor *extractor,
                                      struct spira_feature_workspace *workspace,
                                      const struct spira_feature_part *part);

/* Fills ret_features (part->frames, dims) with what compute makes of these frames of the whole
 * stretch. */
void spira_feature_extractor_compute_part(const struct spira_feature_extractor *extractor,
                                          struct spira_feature_workspace *workspace,
                                          const struct spira_feature_part *part,
                                          float *ret_features);

/* For SPIRA_CLEANUP. */
static inline void spira_feature_extractor_free_at(struct spira_feature_extractor **extractor)
{
    spira_feature_extractor_free(*extractor);
}

#endif
