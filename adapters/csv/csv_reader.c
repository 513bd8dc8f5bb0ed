#include "adapters/csv/csv_reader.h"

#include <csv.h>
#include <stdbool.h>

#include "core/base/file.h"
#include "core/base/text.h"

struct row {
    char *fields[SPIRA_CSV_MAX_COLUMNS];
    size_t count;
};

struct reader {
    const char *name; /* the file's */
    spira_csv_visit *visit;
    void *context;
    struct row header; /* empty before it was read */
    struct row row;    /* so far */
    size_t row_line;   /* where the row at hand begins */
    bool row_open;     /* it has begun and not ended */
    enum spira_code code;
    struct spira_error *err;
};

static void clear_row(struct row *row)
{
    for (size_t i = 0; i < row->count; i++)
        free(row->fields[i]);
    row->count = 0;
}

static enum spira_code fail_at(const struct reader *reader, size_t line, const char *what)
{
    return spira_fail(reader->err, SPIRA_EINVALID, "%s:%zu: %s", reader->name, line, what);
}

/* libcsv found a field. */
static void take_field(void *text, size_t size, void *context)
{
    struct reader *reader = context;
    if (reader->code != SPIRA_OK)
        return;
    if (reader->row.count == SPIRA_CSV_MAX_COLUMNS) {
        reader->code = fail_at(reader, reader->row_line, "more than 256 columns");
        return;
    }
    char *field = spira_alloc(size + 1, 1);
    memcpy(field, text, size);
    reader->row.fields[reader->row.count++] = field;
}

static enum spira_code take_header(struct reader *reader)
{
    for (size_t i = 0; i < reader->row.count; i++) {
        const char *name = reader->row.fields[i];
        if (*name == '\0')
            return fail_at(reader, reader->row_line, "a column without a name");
        for (size_t k = 0; k < i; k++)
            if (strcmp(reader->row.fields[k], name) == 0)
                return spira_fail(reader->err, SPIRA_EINVALID, "%s:%zu: the column '%s' twice",
                                  reader->name, reader->row_line, name);
    }
    reader->header = reader->row;
    reader->row.count = 0;
    return SPIRA_OK;
}

static enum spira_code visit_row(struct reader *reader)
{
    const struct row *row = &reader->row;
    if (row->count != reader->header.count)
        return spira_fail(reader->err, SPIRA_EINVALID,
                          "%s:%zu: %zu fields where the header has "
                          "%zu",
                          reader->name, reader->row_line, row->count, reader->header.count);
    enum spira_code code =
        reader->visit(reader->context, reader->row_line, (const char *const *)reader->header.fields,
                      (const char *const *)row->fields, row->count, reader->err);
    if (code != SPIRA_OK)
        return spira_fail_within(reader->err, "%s:%zu", reader->name, reader->row_line);
    return SPIRA_OK;
}

/* libcsv found the end of a row. */
static void end_row(int terminator, void *context)
{
    (void)terminator;
    struct reader *reader = context;
    reader->row_open = false;
    if (reader->code == SPIRA_OK)
        reader->code = reader->header.count == 0 ? take_header(reader) : visit_row(reader);
    clear_row(&reader->row);
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n", line[i]))
            return false;
    return true;
}

/* Feeds libcsv one line at a time, since it does not count them. */
static enum spira_code feed_lines(struct reader *reader, struct csv_parser *parser,
                                  const char *text, size_t size)
{
    size_t row_bytes = 0;
    for (size_t line = 1; size > 0; line++) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end + 1 - text) : size;
        if (!spira_utf8_valid(text, length) || memchr(text, '\0', length))
            return fail_at(reader, line, "not UTF-8 text");
        /* libcsv would end a row there, and lines would no longer be what an editor counts. */
        const char *cr = memchr(text, '\r', length);
        if (cr && cr + (end ? 2 : 1) != text + length)
            return fail_at(reader, line, "a carriage return inside a line");
        if (!reader->row_open) {
            reader->row_line = line;
            row_bytes = 0;
        }
        row_bytes += length;
        if (row_bytes > SPIRA_CSV_MAX_ROW)
            return fail_at(reader, reader->row_line,
                           "a row of more than 65536 bytes, or a quote without its end");
        reader->row_open |= !is_blank(text, length);
        size_t parsed = csv_parse(parser, text, length, take_field, end_row, reader);
        if (reader->code != SPIRA_OK)
            return reader->code;
        if (parsed != length)
            return fail_at(reader, line,
                           csv_error(parser) == CSV_EPARSE ? "a quote where none may be"
                                                           : csv_strerror(csv_error(parser)));
        text += length;
        size -= length;
    }
    if (csv_fini(parser, take_field, end_row, reader) != 0 && reader->code == SPIRA_OK)
        return fail_at(reader, reader->row_line, "a quote without its end");
    return reader->code;
}

enum spira_code spira_csv_parse(const char *name, const char *text, size_t size,
                                spira_csv_visit *visit, void *context, struct spira_error *err)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    size_t mark = sizeof byte_order_mark - 1;
    if (size >= mark && memcmp(text, byte_order_mark, mark) == 0) {
        text += mark;
        size -= mark;
    }
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return spira_fail(err, SPIRA_EBUG, "%s: libcsv does not start", name);
    struct reader *reader = spira_alloc(1, sizeof *reader);
    *reader = (struct reader){.name = name, .visit = visit, .context = context, .err = err};
    enum spira_code code = feed_lines(reader, &parser, text, size);
    if (code == SPIRA_OK && reader->header.count == 0)
        code = fail_at(reader, 1, "no header row");
    clear_row(&reader->header);
    clear_row(&reader->row);
    free(reader);
    csv_free(&parser);
    return code;
}

enum spira_code spira_csv_read(const char *path, spira_csv_visit *visit, void *context,
                               struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, SPIRA_CSV_MAX_BYTES, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    return spira_csv_parse(path, bytes.data, bytes.size, visit, context, err);
}
