/* Text from outside. */
#ifndef SPIRA_CORE_BASE_TEXT_H
#define SPIRA_CORE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether size bytes are UTF-8: Unicode 15.0, table 3-7 (no overlong forms, no surrogates). */
bool spira_utf8_valid(const char *text, size_t size);

/* A copy of text in which every byte that is no part of a UTF-8 character is U+FFFD; never NULL.
 * Freed with free(). */
char *spira_utf8_repair(const char *text);

/* Writes '?' over each byte of a control character (C0, delete, C1) but those in spared: text from
 * outside cannot play with a terminal. */
void spira_text_tame(char *text, const char *spared);

#endif
