/* What a run's data is like, for people. */
#ifndef SPIRA_CLI_VALIDATION_OUTPUT_H
#define SPIRA_CLI_VALIDATION_OUTPUT_H

#include <stdio.h>

#include "core/base/value.h"

/* Prints a validation.json (core/dataset/dataset.h): what each role holds, lengths and levels, what
 * was left out and why, up to a number of lines. */
void spira_validation_print(FILE *out, const struct spira_value *validation);

#endif
