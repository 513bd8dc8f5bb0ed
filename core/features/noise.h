/* Ward noise mixed into speech, so that the noise of a place does not give the class away. */
#ifndef SPIRA_CORE_FEATURES_NOISE_H
#define SPIRA_CORE_FEATURES_NOISE_H

#include "core/audio/wave.h"
#include "core/base/random.h"
#include "core/config/run_config.h"

/* A stretch of a noise at the level it is added with: sample i of it is
 * gain * noise((start + i) % count of noise). */
struct spira_noise_stretch {
    const struct spira_wave *noise; /* kept */
    size_t start;
    float gain;
};

/* Draws a stretch of count samples (at least 1) from the noise_count noises:
 *   noise, one of them; one shorter than the speech is repeated;
 *   start, anywhere; a stretch whose maximum is below 1e-4 is drawn again;
 *   gain, level / maximum of the stretch, level uniform in [min_amp, max_amp].
 * The maximum is the signed one, as the published experiments have it. Every draw is from random.
 * SPIRA_EINVALID: no noise, or 100 stretches in a row were silent; SPIRA_EIO. */
SPIRA_MUST_USE enum spira_code spira_noise_draw(size_t count, const struct spira_wave *noises,
                                                size_t noise_count, double min_amp, double max_amp,
                                                struct spira_random *random,
                                                struct spira_noise_stretch *ret_stretch,
                                                struct spira_error *err);

/* Adds count samples of the stretch from sample from of it on to samples. SPIRA_EIO: some are
 * added. */
SPIRA_MUST_USE enum spira_code spira_noise_add(const struct spira_noise_stretch *stretch,
                                               size_t from, size_t count, float *samples,
                                               struct spira_error *err);

/* The stream every noise of one copy of one recording is drawn from, one after the other. digest is
 * the recording's SHA-256 in hex: neither its name, nor its place in the corpus, nor the thread
 * matters. */
struct spira_random spira_noise_stream(uint64_t seed, const char *digest, uint32_t copy);

/* Noises for a recording of that label (0 control, 1 patient); 0 when noise is off. */
size_t spira_noise_count(const struct spira_noise_config *config, int label);

#endif
