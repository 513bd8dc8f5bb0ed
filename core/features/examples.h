/* From a recording to its training examples: the chain noise, windows, features (the thesis's
 * FeatureTransformer). Padding to a common length and mixture come later, in the data loader. */
#ifndef SPIRA_CORE_FEATURES_EXAMPLES_H
#define SPIRA_CORE_FEATURES_EXAMPLES_H

#include "core/audio/wave.h"
#include "core/features/extractor.h"

/* What is the same for every recording of a run. Read only; any number of threads. */
struct spira_example_chain {
    const struct spira_feature_extractor *extractor; /* kept */
    const struct spira_transform_config *transform;  /* kept */
    enum spira_short_recordings short_recordings;
    int rate_hz; /* of every wave */
    uint64_t seed;
    const struct spira_wave *noises; /* kept; none is fine when noise is off */
    size_t noise_count;
};

struct spira_example_shape {
    size_t windows; /* 1 without overlap: the whole recording */
    size_t frames;  /* of each window */
    size_t dims;
};

/* The shape of a recording of samples samples. SPIRA_EINVALID says why there is none: empty,
 * shorter than a window (where such recordings are rejected), or too short for one frame's
 * reflection. */
SPIRA_MUST_USE enum spira_code spira_example_shape(const struct spira_example_chain *chain,
                                                   size_t samples,
                                                   struct spira_example_shape *ret_shape,
                                                   struct spira_error *err);

/* The recording in hand, of one thread; starts zeroed, ends with done, is used for one chain and
 * one recording after the other. */
struct spira_examples {
    struct spira_example_shape shape;
    size_t window, step; /* samples */
    float *samples;      /* with its noise, zero-padded to one window */
    size_t capacity;
    struct spira_feature_workspace workspace;
};

/* Takes up one recording: copies wave's samples and mixes in the noises of label (0 control, 1
 * patient), the same for the same (seed, digest, copy). Borrows all; fills examples.shape. Codes of
 * spira_example_shape and spira_noise_add, SPIRA_ENOMEMORY; examples can be used for another. */
SPIRA_MUST_USE enum spira_code spira_examples_begin(struct spira_examples *examples,
                                                    const struct spira_example_chain *chain,
                                                    const struct spira_wave *wave, int label,
                                                    const char *digest, uint32_t copy,
                                                    struct spira_error *err);

/* Fills ret_features (frames, dims) with window index of the recording taken up. */
void spira_examples_compute(struct spira_examples *examples,
                            const struct spira_example_chain *chain, size_t index,
                            float *ret_features);

void spira_examples_done(struct spira_examples *examples);

#endif
