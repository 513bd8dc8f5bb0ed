/* Ward noise mixed into speech, so that the noise of a place does not give the class away. */
#ifndef SPIRA_CORE_FEATURES_NOISE_H
#define SPIRA_CORE_FEATURES_NOISE_H

#include "core/audio/wave.h"
#include "core/base/random.h"
#include "core/config/run_config.h"

/* Adds one stretch of noise to samples (count, at least 1), in place:
 *   noise, drawn from the noise_count noises; a noise shorter than the speech is repeated;
 *   stretch, count samples of it from a drawn start; one whose maximum is below 1e-4 is drawn
 * again; samples(i) += stretch(i) * level / maximum of stretch, level uniform in [min_amp,
 * max_amp]. The maximum is the signed one, as the published experiments have it. Every draw is from
 * random. SPIRA_EINVALID: no noise, or 100 stretches in a row were silent; samples are as before.
 */
SPIRA_MUST_USE enum spira_code spira_noise_add(float *samples, size_t count,
                                               const struct spira_wave *noises, size_t noise_count,
                                               double min_amp, double max_amp,
                                               struct spira_random *random,
                                               struct spira_error *err);

/* The stream every noise of one copy of one recording is drawn from, one after the other. digest is
 * the recording's SHA-256 in hex: neither its name, nor its place in the corpus, nor the thread
 * matters. */
struct spira_random spira_noise_stream(uint64_t seed, const char *digest, uint32_t copy);

/* Noises for a recording of that label (0 control, 1 patient); 0 when noise is off. */
size_t spira_noise_count(const struct spira_noise_config *config, int label);

#endif
