/* A run's object (workers/common/run/run_object.h) for people, and the exit code it means. */
#ifndef SPIRA_CLI_RUN_OUTPUT_H
#define SPIRA_CLI_RUN_OUTPUT_H

#include <stdio.h>

#include "core/base/value.h"

/* The object as lines and a table of its steps; a part that it does not have yet is left out. */
void spira_run_print(FILE *out, const struct spira_value *run);

/* Says on stderr how the run ended, when that was not well, and gives the exit code. */
int spira_run_conclude(const struct spira_value *run);

#endif
