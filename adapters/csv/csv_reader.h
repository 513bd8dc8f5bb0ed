/* CSV files (RFC 4180) with a header row, read with libcsv. */
#ifndef SPIRA_ADAPTERS_CSV_CSV_READER_H
#define SPIRA_ADAPTERS_CSV_CSV_READER_H

#include "core/base/memory.h"

enum {
    SPIRA_CSV_MAX_BYTES = 256 << 20, /* of a file */
    SPIRA_CSV_MAX_ROW = 64 << 10,    /* bytes of a row */
    SPIRA_CSV_MAX_COLUMNS = 256
};

/* One row: fields[i] stands under names[i]. Borrows all. A failure ends the reading;
 * "<file>:<line>" is put before its message. */
typedef enum spira_code spira_csv_visit(void *context, size_t line, const char *const *names,
                                        const char *const *fields, size_t count,
                                        struct spira_error *err);

/* Visits the rows behind the header in their order; blank lines are none. line is where the row
 * begins, from 1. Line ends LF or CRLF, fields in double quotes may hold commas, line ends and
 * doubled quotes; blanks around other fields are dropped; a byte order mark is skipped.
 * SPIRA_EINVALID, as "<file>:<line>: ...": not UTF-8, a lone carriage return, a quote without its
 * end or inside a plain field, a row with another number of fields than the header, a header that
 * is missing or names a column twice or not at all, a row above its limits. Rows before it have
 * been visited. Also SPIRA_ENOTFOUND, SPIRA_ETOOBIG, SPIRA_EIO and what visit returns. */
SPIRA_MUST_USE enum spira_code spira_csv_read(const char *path, spira_csv_visit *visit,
                                              void *context, struct spira_error *err);

/* As read, of size bytes of text; name is the file's, for messages. Borrows text. */
SPIRA_MUST_USE enum spira_code spira_csv_parse(const char *name, const char *text, size_t size,
                                               spira_csv_visit *visit, void *context,
                                               struct spira_error *err);

#endif
