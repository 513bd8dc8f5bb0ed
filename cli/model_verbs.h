/* The verbs of `spiractl model` that have files of their own. */
#ifndef SPIRA_CLI_MODEL_VERBS_H
#define SPIRA_CLI_MODEL_VERBS_H

#include "workers/common/command_line/options.h"

extern const struct spira_verb spira_model_export_verb; /* model_export_command.c */

#endif
