/* Dead letters for people and programs. */
#ifndef SPIRA_CLI_DEAD_LETTER_OUTPUT_H
#define SPIRA_CLI_DEAD_LETTER_OUTPUT_H

#include <stdio.h>

#include "workers/common/worker.h"

/* A table of letters (spira_dead_letters_list), the errors cut to the terminal. */
void spira_dead_letters_print(FILE *out, const struct spira_value *letters);

/* Gives all that a letter says: the letter, "key", "headers" (a list of {"name", "value"}),
 * "bytes", and "value", decoded, or "value_hex", its first bytes, when it is no event; neither
 * when the value was left where it was. */
struct spira_value *spira_dead_letter_object(const struct spira_worker *worker,
                                             const struct spira_value *letter,
                                             const struct spira_message *message);

/* The same object for people; whatever the message holds, the terminal stays as it is. */
void spira_dead_letter_print(FILE *out, const struct spira_value *object);

#endif
