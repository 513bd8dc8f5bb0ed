/* The audio_source port with failures played by a script. */
#ifndef SPIRA_ADAPTERS_FLAKY_AUDIO_SOURCE_FLAKY_H
#define SPIRA_ADAPTERS_FLAKY_AUDIO_SOURCE_FLAKY_H

#include "adapters/flaky/flaky_script.h"
#include "core/ports/audio_source.h"

/* Takes inner; ending the flaky one ends it too. Keeps scripts. Its readers play the same scripts
 * (read). */
struct spira_audio_source spira_audio_source_flaky(struct spira_audio_source inner,
                                                   struct spira_flaky_script *scripts,
                                                   size_t count);

#endif
