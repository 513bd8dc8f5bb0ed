#include "cli/output.h"

#include <assert.h>
#include <ctype.h>

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
    for (char *c = table->cells[table->count - 1]; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
}

/* Characters, not bytes: what is no continuation byte of UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Whether all cells below the heading of a column are numbers or empty. */
static bool is_numeric(const struct spira_table *table, size_t column)
{
    for (size_t at = table->columns + column; at < table->count; at += table->columns) {
        const char *text = table->cells[at];
        if (*text && !isdigit((unsigned char)*text) && *text != '-' && *text != '+')
            return false;
    }
    return table->count > table->columns;
}

void spira_table_print(FILE *out, const struct spira_table *table)
{
    assert(table->count % table->columns == 0);
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
