/* audio.collected -> audio.accepted or audio.rejected: examines a recording and takes a copy into
 * the store. */
#ifndef SPIRA_WORKERS_AUDIO_INTAKE_AUDIO_INTAKE_H
#define SPIRA_WORKERS_AUDIO_INTAKE_AUDIO_INTAKE_H

#include "workers/common/step/step.h"

extern const struct spira_step spira_audio_intake_step;

#endif
