/* A recording decoded: one channel, at the rate the features want, in memory or, where it is too
 * long for that, in a file. */
#ifndef SPIRA_CORE_AUDIO_WAVE_H
#define SPIRA_CORE_AUDIO_WAVE_H

#include "core/ports/audio_source.h"

struct spira_wave {
    float *samples; /* full scale 1; NULL: they are in the file, or there are none */
    size_t count;
    int rate_hz;
    int file;         /* borrowed; looked at only when samples is NULL */
    int64_t position; /* of the first sample in it, in bytes */
};

/* Opens path, mixes it down (mean of the channels) and resamples it to rate_hz, block by block.
 * Fills ret_wave (free with spira_wave_done) and ret_facts (may be NULL) with what the file was.
 * Codes of the audio_source port; SPIRA_EINVALID at a sample that is not a finite number;
 * SPIRA_ETOOLONG when it is longer than max_seconds. */
SPIRA_MUST_USE enum spira_code spira_wave_load(struct spira_audio_source source, const char *path,
                                               int rate_hz, double max_seconds,
                                               struct spira_wave *ret_wave,
                                               struct spira_audio_facts *ret_facts,
                                               struct spira_error *err);
void spira_wave_done(struct spira_wave *wave);

/* The same into a file, from a position (in bytes) on, with memory for one block: ret_wave borrows
 * the descriptor, which is open for reading and writing. SPIRA_EIO besides. */
SPIRA_MUST_USE enum spira_code spira_wave_spill(struct spira_audio_source source, const char *path,
                                                int rate_hz, double max_seconds, int file,
                                                int64_t position, struct spira_wave *ret_wave,
                                                struct spira_error *err);

/* Fills ret_samples with count samples from sample from on, which wave has. SPIRA_EIO. Any thread.
 */
SPIRA_MUST_USE enum spira_code spira_wave_read(const struct spira_wave *wave, size_t from,
                                               size_t count, float *ret_samples,
                                               struct spira_error *err);

/* Samples of a recording at rate_hz: decodes all of it and keeps nothing. Codes of spira_wave_load.
 */
SPIRA_MUST_USE enum spira_code spira_wave_count(struct spira_audio_source source, const char *path,
                                                int rate_hz, double max_seconds, size_t *ret_count,
                                                struct spira_error *err);

#endif
