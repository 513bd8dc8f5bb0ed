/* Recordings that a test registers, under the paths by which the code under test opens them. */
#ifndef SPIRA_ADAPTERS_MEMORY_AUDIO_SOURCE_MEMORY_H
#define SPIRA_ADAPTERS_MEMORY_AUDIO_SOURCE_MEMORY_H

#include "core/ports/audio_source.h"

/* A source without recordings; it ends with spira_audio_source_done, after its readers. */
struct spira_audio_source spira_audio_source_memory(void);

/* Registers a recording with a source from spira_audio_source_memory; one of the same path is
 * replaced. Borrows path and samples (frames * channels values, interleaved). Opening it checks the
 * port's limits. Not while another thread uses the source. */
void spira_audio_source_memory_add(struct spira_audio_source source, const char *path,
                                   const float *samples, int64_t frames, int rate_hz, int channels);

#endif
