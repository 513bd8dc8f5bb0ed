#include "cli/output.h"

#include <assert.h>
#include <ctype.h>
#include <sys/ioctl.h>

#include "core/base/text.h"

enum { LEAST_CUT = 8 }; /* characters that are left of a cell however narrow the terminal is */

enum spira_code spira_output_is_json(const struct spira_arguments *arguments, bool *ret_json,
                                     struct spira_error *err)
{
    const char *format = spira_argument(arguments, "output");
    bool json = format && strcmp(format, "json") == 0;
    if (format && !json && strcmp(format, "table") != 0)
        return spira_fail(err, SPIRA_EINVALID, "--output: '%s' is neither table nor json", format);
    *ret_json = json;
    return SPIRA_OK;
}

void spira_output_json(FILE *out, const struct spira_value *value)
{
    spira_value_write(value, SPIRA_PRETTY, out);
}

enum { NAME_WIDTH = 22 }; /* of a line */

void spira_print_line(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%-*s %s\n", NAME_WIDTH, name, text);
}

size_t spira_output_columns(FILE *out)
{
    struct winsize size;
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void spira_table_init(struct spira_table *table, const char *const *headings, size_t columns)
{
    *table = (struct spira_table){.columns = columns};
    for (size_t i = 0; i < columns; i++)
        spira_table_add(table, spira_copy_text(headings[i]));
}

void spira_table_add(struct spira_table *table, char *text)
{
    table->cells = spira_realloc(table->cells, table->count + 1, sizeof *table->cells);
    table->cells[table->count++] = text ? text : spira_copy_text("");
    spira_text_tame(table->cells[table->count - 1], "");
}

/* Characters, not bytes: what is no continuation byte of UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Cuts text to so many characters, the last of them a mark that it was cut. */
static void cut(char **text, size_t width)
{
    if (width_of(*text) <= width)
        return;
    char *end = *text;
    for (size_t kept = 0; kept + 1 < width; kept++)
        do
            end++;
        while (((unsigned char)*end & 0xc0) == 0x80);
    char *shorter = spira_format("%.*s\u2026", (int)(end - *text), *text);
    free(*text);
    *text = shorter;
}

/* What the last column has of the table's width. */
static void cut_last_column(struct spira_table *table)
{
    size_t used = 0;
    for (size_t column = 0; column + 1 < table->columns; column++) {
        size_t widest = 0;
        for (size_t at = column; at < table->count; at += table->columns)
            if (width_of(table->cells[at]) > widest)
                widest = width_of(table->cells[at]);
        used += widest + 2;
    }
    size_t left = used + LEAST_CUT < table->width ? table->width - used : LEAST_CUT;
    for (size_t at = table->columns - 1; at < table->count; at += table->columns)
        cut(&table->cells[at], left);
}

/* Whether a cell is a number, perhaps with a unit behind a space; no date, no digest. */
static bool is_number(const char *text)
{
    char *end;
    if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+')
        return false;
    (void)strtod(text, &end);
    return end > text && (!*end || *end == ' ');
}

/* Whether all cells below the heading of a column are numbers or empty. */
static bool is_numeric(const struct spira_table *table, size_t column)
{
    for (size_t at = table->columns + column; at < table->count; at += table->columns) {
        const char *text = table->cells[at];
        if (*text && !is_number(text))
            return false;
    }
    return table->count > table->columns;
}

void spira_table_print(FILE *out, struct spira_table *table)
{
    assert(table->count % table->columns == 0);
    if (table->width)
        cut_last_column(table);
    size_t *widths = spira_alloc(table->columns, sizeof *widths);
    for (size_t at = 0; at < table->count; at++) {
        size_t width = width_of(table->cells[at]);
        if (width > widths[at % table->columns])
            widths[at % table->columns] = width;
    }
    for (size_t at = 0; at < table->count; at++) {
        size_t column = at % table->columns;
        bool last = column + 1 == table->columns;
        int pad = (int)(widths[column] - width_of(table->cells[at]));
        bool right = is_numeric(table, column);
        fprintf(out, "%*s%s%*s%s", right ? pad : 0, "", table->cells[at], right || last ? 0 : pad,
                "", last ? "\n" : "  ");
    }
    free(widths);
}

void spira_table_done(struct spira_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct spira_table){0};
}

char *spira_number_text(const struct spira_value *value, int digits)
{
    if (spira_value_type(value) == SPIRA_INT)
        return spira_format("%jd", (intmax_t)spira_value_as_int(value, 0));
    if (spira_value_type(value) == SPIRA_REAL)
        return spira_format("%.*f", digits, spira_value_as_real(value, 0));
    return spira_copy_text("undefined");
}
