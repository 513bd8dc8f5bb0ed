/* What goes to stdout: tables for people, JSON for programs. */
#ifndef SPIRA_CLI_OUTPUT_H
#define SPIRA_CLI_OUTPUT_H

#include <stdio.h>

#include "core/base/value.h"
#include "workers/common/command_line/options.h"

/* Whether -o json was given. SPIRA_EINVALID: -o says neither table nor json. */
SPIRA_MUST_USE enum spira_code spira_output_is_json(const struct spira_arguments *arguments,
                                                    bool *ret_json, struct spira_error *err);

/* Prints a value as pretty JSON. */
void spira_output_json(FILE *out, const struct spira_value *value);

/* "name      text" with the names in one column. */
void spira_print_line(FILE *out, const char *name, const char *text);

/* Columns of the terminal that out is, or 0. */
size_t spira_output_columns(FILE *out);

/* A table: a line of headings, then rows; each column as wide as its widest cell. */
struct spira_table {
    size_t columns;
    char **cells; /* row by row; the first row are the headings */
    size_t count;
    size_t width; /* the last column is cut so that no line is longer; 0: it is not */
};

/* Starts a table with its headings, columns of them. End with spira_table_done. */
void spira_table_init(struct spira_table *table, const char *const *headings, size_t columns);
/* Takes the text of the next cell (from spira_format and the like; NULL: empty). Control characters
 * in it become '?': a file's name cannot play with the terminal. */
void spira_table_add(struct spira_table *table, char *text);
/* Prints it; columns of numbers are set to the right. */
void spira_table_print(FILE *out, struct spira_table *table);
void spira_table_done(struct spira_table *table);

/* A number with digits digits behind the point, "undefined" for a null; give it to
 * spira_table_add. */
char *spira_number_text(const struct spira_value *value, int digits);

#endif
