/* A recording read in blocks, its channels mixed down to one. */
#ifndef SPIRA_CORE_AUDIO_MONO_H
#define SPIRA_CORE_AUDIO_MONO_H

#include "core/ports/audio_source.h"

enum { SPIRA_MONO_BLOCK = 4096 }; /* samples */

/* One open recording; a zeroed one is closed. One thread at a time. */
struct spira_mono {
    const char *path; /* kept */
    struct spira_audio_reader reader;
    struct spira_audio_facts facts;
    float *interleaved; /* (SPIRA_MONO_BLOCK, channels) */
    int64_t samples;    /* read so far */
};

/* Opens path at its own rate. Fills ret_mono; close with spira_mono_done. Keeps path. Codes of
 * spira_audio_open. */
SPIRA_MUST_USE enum spira_code spira_mono_open(struct spira_audio_source source, const char *path,
                                               struct spira_mono *ret_mono,
                                               struct spira_error *err);

/* Fills samples (SPIRA_MONO_BLOCK) with the next block, the mean over the channels; *ret_count 0 is
 * the end. Codes of spira_audio_read, and SPIRA_EINVALID at a sample that is not a finite number.
 */
SPIRA_MUST_USE enum spira_code spira_mono_read(struct spira_mono *mono, float *samples,
                                               size_t *ret_count, struct spira_error *err);

void spira_mono_done(struct spira_mono *mono);

#endif
