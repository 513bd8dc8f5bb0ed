/* The verbs of `spiractl audio` that have files of their own. */
#ifndef SPIRA_CLI_AUDIO_VERBS_H
#define SPIRA_CLI_AUDIO_VERBS_H

#include "workers/common/command_line/options.h"

extern const struct spira_verb spira_audio_add_verb;      /* audio_add_command.c */
extern const struct spira_verb spira_audio_withdraw_verb; /* audio_withdraw_command.c */

#endif
