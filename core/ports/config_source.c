#include "core/ports/config_source.h"

#include <errno.h>

#include "core/base/file.h"

enum spira_code spira_config_read(struct spira_config_source source, const char *path,
                                  size_t max_bytes, struct spira_value **ret_value,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, max_bytes, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    return spira_config_parse(source, path, bytes.data, bytes.size, ret_value, err);
}

/* A file that is read line by line. */
struct lines {
    const char *path;
    FILE *file;
    size_t max_bytes;
    size_t number; /* of the line that is held, from 1 */
    char *text;    /* size bytes of capacity */
    size_t size, capacity;
};

static void lines_done(struct lines *lines)
{
    spira_fclose_at(&lines->file);
    free(lines->text);
}

static enum spira_code put_character(struct lines *lines, char c, struct spira_error *err)
{
    if (lines->size == lines->max_bytes)
        return spira_fail(err, SPIRA_ETOOBIG, "%s:%zu: a line of more than %zu bytes", lines->path,
                          lines->number, lines->max_bytes);
    if (lines->size == lines->capacity) {
        lines->capacity = lines->capacity ? 2 * lines->capacity : 1024;
        lines->text = spira_realloc(lines->text, lines->capacity, 1);
    }
    lines->text[lines->size++] = c;
    return SPIRA_OK;
}

/* Reads the next line, without its end; ret_more false: there is none. */
static enum spira_code next_line(struct lines *lines, bool *ret_more, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    int c;
    lines->size = 0;
    lines->number++;
    errno = 0;
    while ((c = getc_unlocked(lines->file)) != EOF && c != '\n' && code == SPIRA_OK)
        code = put_character(lines, (char)c, err);
    if (code == SPIRA_OK && c == EOF && ferror(lines->file))
        code = spira_fail_errno(err, errno, "%s", lines->path);
    *ret_more = c == '\n' || lines->size > 0;
    return code;
}

enum spira_code spira_config_read_lines(struct spira_config_source source, const char *path,
                                        size_t max_bytes, spira_config_line *take, void *context,
                                        struct spira_error *err)
{
    SPIRA_CLEANUP(lines_done)
    struct lines lines = {.path = path, .file = fopen(path, "rbe"), .max_bytes = max_bytes};
    if (!lines.file)
        return spira_fail_errno(err, errno, "%s", path);
    for (bool more = true;;) {
        enum spira_code code = next_line(&lines, &more, err);
        if (code != SPIRA_OK || !more)
            return code;
        struct spira_value *line = NULL;
        code = source.ops->parse(source.self, path, lines.number, lines.text ? lines.text : "",
                                 lines.size, &line, err);
        if (code == SPIRA_OK)
            code = take(context, line, err);
        if (code != SPIRA_OK)
            return code;
    }
}
