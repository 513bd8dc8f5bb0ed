#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "adapters/csv/csv_reader.h"
#include "core/base/file.h"

/* Writes each row as "line:name=field|name=field;". */
static enum spira_code collect(void *context, size_t line, const char *const *names,
                               const char *const *fields, size_t count, struct spira_error *err)
{
    if (strcmp(fields[0], "stop") == 0)
        return spira_fail(err, SPIRA_EUNSUPPORTED, "no %s", fields[0]);
    char *all = context;
    size_t used = strlen(all);
    used += (size_t)snprintf(all + used, 1000 - used, "%zu:", line);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(all + used, 1000 - used, "%s%s=%s", i > 0 ? "|" : "", names[i],
                                 fields[i]);
    snprintf(all + used, 1000 - used, ";");
    return SPIRA_OK;
}

static void reads_as(const char *text, const char *rows)
{
    struct spira_error err = {0};
    char all[1000] = "";
    cr_assert_eq(spira_csv_parse("a.csv", text, strlen(text), collect, all, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert_str_eq(all, rows);
}

static void refused(const char *text, const char *message)
{
    struct spira_error err = {0};
    char all[1000] = "";
    cr_assert_eq(spira_csv_parse("a.csv", text, strlen(text), collect, all, &err), SPIRA_EINVALID,
                 "accepted instead of \"%s\"", message);
    cr_assert_str_eq(err.message, message);
}

Test(csv_reader, rows_come_with_their_line_and_names)
{
    reads_as("file_path,class\na.wav,1\nb.wav,0\n",
             "2:file_path=a.wav|class=1;3:file_path=b.wav|class=0;");
    reads_as("\xef\xbb\xbf"
             "a,b\r\n\r\n1,2\r\n\n , \n3,",
             "3:a=1|b=2;5:a=|b=;6:a=3|b=;");
    reads_as("a\r\n1\r", "2:a=1;");
    reads_as("only\nx\n\ny", "2:only=x;4:only=y;");
    reads_as("a,b\n", "");
}

Test(csv_reader, quotes_hold_commas_quotes_and_line_ends)
{
    reads_as("a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\nS\xc3\xa3o,\"\"\n",
             "2:a=x, \"y\"|b=two\nlines;4:a=S\xc3\xa3o|b=;");
}

Test(csv_reader, an_error_names_file_and_line)
{
    refused("", "a.csv:1: no header row");
    refused("\n\n", "a.csv:1: no header row");
    refused("a,a\n", "a.csv:1: the column 'a' twice");
    refused("a,\n", "a.csv:1: a column without a name");
    refused("a,b\n1,2\n1\n", "a.csv:3: 1 fields where the header has 2");
    refused("a,b\n1,2\n1,2,3", "a.csv:3: 3 fields where the header has 2");
    refused("a,b\n1,2\n\"1,2\n3,4\n", "a.csv:3: a quote without its end");
    refused("a,b\n1\"x,2\n", "a.csv:2: a quote where none may be");
    refused("a,b\n1\r2,3\n", "a.csv:2: a carriage return inside a line");
    refused("a,b\n1,2\n\xff,2\n", "a.csv:3: not UTF-8 text");
}

Test(csv_reader, rows_have_limits)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_alloc(SPIRA_CSV_MAX_ROW + 100, 1);
    snprintf(text, 10, "a\n");
    memset(text + 2, 'x', SPIRA_CSV_MAX_ROW + 1);
    refused(text, "a.csv:2: a row of more than 65536 bytes, or a quote without its end");
    char commas[SPIRA_CSV_MAX_COLUMNS + 1] = "";
    memset(commas, ',', SPIRA_CSV_MAX_COLUMNS);
    refused(commas, "a.csv:1: more than 256 columns");
}

Test(csv_reader, a_visitor_may_stop_the_reading)
{
    struct spira_error err = {0};
    char all[1000] = "";
    const char text[] = "a\n1\nstop\n2\n";
    cr_assert_eq(spira_csv_parse("a.csv", text, sizeof text - 1, collect, all, &err),
                 SPIRA_EUNSUPPORTED);
    cr_assert_str_eq(err.message, "a.csv:3: no stop");
    cr_assert_str_eq(all, "2:a=1;");
}

Test(csv_reader, a_file_is_read_and_a_missing_one_named)
{
    struct spira_error err = {0};
    char path[] = "/tmp/spira-test-csv-XXXXXX", all[1000] = "";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(spira_file_write(path, "a\n1\n", 4, &err), SPIRA_OK);
    cr_assert_eq(spira_csv_read(path, collect, all, &err), SPIRA_OK);
    cr_assert_str_eq(all, "2:a=1;");
    unlink(path);
    cr_assert_eq(spira_csv_read(path, collect, all, &err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, path));
}
