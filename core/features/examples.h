/* From a recording to its training examples: the chain noise, windows, features (the thesis's
 * FeatureTransformer). Padding to a common length and mixture come later, in the data loader. */
#ifndef SPIRA_CORE_FEATURES_EXAMPLES_H
#define SPIRA_CORE_FEATURES_EXAMPLES_H

#include "core/audio/wave.h"
#include "core/features/extractor.h"
#include "core/features/noise.h"

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
    /* Windows too long to be held are computed in parts, each of part_frames but the last; of
     * others a part is all of it. */
    size_t parts, part_frames;
};

/* The shape of a recording of samples samples. SPIRA_EINVALID says why there is none: empty,
 * shorter than a window (where such recordings are rejected), or too short for one frame's
 * reflection. */
SPIRA_MUST_USE enum spira_code spira_example_shape(const struct spira_example_chain *chain,
                                                   size_t samples,
                                                   struct spira_example_shape *ret_shape,
                                                   struct spira_error *err);

/* One copy of a recording, its noises drawn. Read only; any number of threads. */
struct spira_example {
    const struct spira_wave *wave; /* kept */
    struct spira_example_shape shape;
    size_t window, step;                /* samples */
    struct spira_noise_stretch *noises; /* in the order they are added */
    size_t noise_count;
    float *loudest; /* (windows) what the extractor listens for; NULL when windows have one part */
};

/* Fills ret_example (ends with spira_example_done): cuts wave and draws the noises of label (0
 * control, 1 patient), the same for the same (seed, digest, copy). Codes of spira_example_shape and
 * spira_noise_draw. */
SPIRA_MUST_USE enum spira_code spira_example_init(const struct spira_example_chain *chain,
                                                  const struct spira_wave *wave, int label,
                                                  const char *digest, uint32_t copy,
                                                  struct spira_example *ret_example,
                                                  struct spira_error *err);
void spira_example_done(struct spira_example *example);

/* Frames of part index % parts of window index / parts. */
size_t spira_example_part_frames(const struct spira_example_shape *shape, size_t index);

/* The part of a window in hand, of one thread; starts zeroed, ends with done, is used for one chain
 * and one example after the other. */
struct spira_examples {
    const struct spira_example *example;
    float *samples; /* with their noise, zero-padded */
    size_t capacity;
    size_t from, held; /* the sample of the recording they begin with, and how many there are: what
                          comes next and begins among them has them already */
    struct spira_feature_workspace workspace;
};

/* Takes up an example, kept until the next. SPIRA_ENOMEMORY; examples can be used for another. */
SPIRA_MUST_USE enum spira_code spira_examples_begin(struct spira_examples *examples,
                                                    const struct spira_example_chain *chain,
                                                    const struct spira_example *example,
                                                    struct spira_error *err);

/* Fills ret_features (its frames, dims) with part index % parts of window index / parts of the
 * example taken up; one after the other is fastest. SPIRA_EIO when its wave or a noise lies in a
 * file. */
SPIRA_MUST_USE enum spira_code spira_examples_compute_part(struct spira_examples *examples,
                                                           const struct spira_example_chain *chain,
                                                           size_t index, float *ret_features,
                                                           struct spira_error *err);
/* The same for all parts of window index: ret_features is (frames, dims). */
SPIRA_MUST_USE enum spira_code spira_examples_compute(struct spira_examples *examples,
                                                      const struct spira_example_chain *chain,
                                                      size_t index, float *ret_features,
                                                      struct spira_error *err);

void spira_examples_done(struct spira_examples *examples);

#endif
