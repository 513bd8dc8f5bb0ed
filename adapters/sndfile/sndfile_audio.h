/* The audio_source port over libsndfile: WAV (PCM of 16, 24 and 32 bits, float), FLAC, Ogg Vorbis,
 * Ogg Opus and MP3. What a file is, its content says, never its name; any other format libsndfile
 * knows is refused by name. */
#ifndef SPIRA_ADAPTERS_SNDFILE_SNDFILE_AUDIO_H
#define SPIRA_ADAPTERS_SNDFILE_SNDFILE_AUDIO_H

#include "core/ports/audio_source.h"

/* Opens regular files only. A header's claim of frames is believed by nobody: reading stops with
 * SPIRA_ETOOLONG at SPIRA_AUDIO_MAX_SECONDS, and a sample that is no finite number is
 * SPIRA_EINVALID. Needs no closing. */
struct spira_audio_source spira_audio_source_sndfile(void);

#endif
