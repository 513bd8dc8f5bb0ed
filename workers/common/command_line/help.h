/* --help, printed from the tables that also parse. */
#ifndef SPIRA_WORKERS_COMMON_COMMAND_LINE_HELP_H
#define SPIRA_WORKERS_COMMON_COMMAND_LINE_HELP_H

#include <stdio.h>

#include "workers/common/command_line/options.h"

/* Each prints to out: the whole program (nouns ends with NULL), a noun, a verb. */
void spira_help_program(FILE *out, const struct spira_noun *const *nouns);
void spira_help_noun(FILE *out, const struct spira_noun *noun);
void spira_help_verb(FILE *out, const struct spira_verb *verb);

#endif
