/* The nouns of spiractl, one file each. */
#ifndef SPIRA_CLI_COMMANDS_H
#define SPIRA_CLI_COMMANDS_H

#include "workers/common/command_line/options.h"

extern const struct spira_noun spira_local_noun;   /* local_command.c */
extern const struct spira_noun spira_audio_noun;   /* audio_command.c */
extern const struct spira_noun spira_run_noun;     /* run_command.c */
extern const struct spira_noun spira_topics_noun;  /* topics_command.c */
extern const struct spira_noun spira_dlq_noun;     /* dlq_command.c */
extern const struct spira_noun spira_state_noun;   /* state_command.c */
extern const struct spira_noun spira_model_noun;   /* model_command.c */
extern const struct spira_noun spira_config_noun;  /* config_command.c */
extern const struct spira_noun spira_version_noun; /* version_command.c */

#endif
