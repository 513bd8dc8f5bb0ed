/* A recording in memory: one channel, at the rate the features want. */
#ifndef SPIRA_CORE_AUDIO_WAVE_H
#define SPIRA_CORE_AUDIO_WAVE_H

#include "core/ports/audio_source.h"

struct spira_wave {
    float *samples; /* full scale 1 */
    size_t count;
    int rate_hz;
};

/* Opens path, mixes it down (mean of the channels) and resamples it to rate_hz, block by block.
 * Fills ret_wave (free with spira_wave_done) and ret_facts (may be NULL) with what the file was.
 * Codes of the audio_source port; SPIRA_EINVALID at a sample that is not a finite number;
 * SPIRA_ETOOBIG when it is longer than max_seconds. */
SPIRA_MUST_USE enum spira_code spira_wave_load(struct spira_audio_source source, const char *path,
                                               int rate_hz, double max_seconds,
                                               struct spira_wave *ret_wave,
                                               struct spira_audio_facts *ret_facts,
                                               struct spira_error *err);
void spira_wave_done(struct spira_wave *wave);

#endif
