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
    FILE *file;
    char *text; /* of the line at hand; capacity bytes */
    size_t capacity;
};

static void lines_done(struct lines *lines)
{
    spira_fclose_at(&lines->file);
    free(lines->text);
}

enum spira_code spira_config_read_lines(struct spira_config_source source, const char *path,
                                        size_t max_bytes, spira_config_line *take, void *context,
                                        struct spira_error *err)
{
    SPIRA_CLEANUP(lines_done)
    struct lines lines = {.file = fopen(path, "rbe")};
    if (!lines.file)
        return spira_fail_errno(err, errno, "%s", path);
    for (size_t number = 1;; number++) {
        errno = 0;
        ssize_t length = getline(&lines.text, &lines.capacity, lines.file);
        if (length < 0)
            return feof(lines.file) ? SPIRA_OK : spira_fail_errno(err, errno, "%s", path);
        size_t size = (size_t)length - (lines.text[length - 1] == '\n');
        if (size > max_bytes)
            return spira_fail(err, SPIRA_ETOOBIG, "%s:%zu: a line of more than %zu bytes", path,
                              number, max_bytes);
        struct spira_value *line = NULL;
        enum spira_code code =
            source.ops->parse(source.self, path, number, lines.text, size, &line, err);
        if (code == SPIRA_OK)
            code = take(context, line, err);
        if (code != SPIRA_OK)
            return code;
    }
}
