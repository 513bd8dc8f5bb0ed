/* spira-schemas: writes the JSON Schema files from the tables, or checks that they are fresh. */
#include <glob.h>

#include "core/base/file.h"
#include "schemas/schema.h"

enum { MAX_FILE = 1 << 20 };

static char *file_name(const char *folder, const struct spira_schema *schema)
{
    return spira_format("%s/%s.v%d.schema.json", folder, schema->topic, schema->version);
}

static char *file_text(const struct spira_schema *schema)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_schema_document(schema);
    return spira_value_to_text(document, SPIRA_PRETTY);
}

static enum spira_code write_file(const char *path, const char *text, struct spira_error *err)
{
    return spira_file_write(path, text, strlen(text), err);
}

static enum spira_code check_file(const char *path, const char *text, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, MAX_FILE, &bytes, err);
    if (code == SPIRA_OK && strcmp(bytes.data, text) != 0)
        code = spira_fail(err, SPIRA_EINVALID,
                          "%s: stale; write it anew with spira-schemas --write", path);
    return code;
}

/* A file of an event that is no more would not be found by looking at the tables. */
static enum spira_code check_count(const char *folder, size_t count, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *pattern = spira_format("%s/*.schema.json", folder);
    glob_t files = {0};
    int failed = glob(pattern, GLOB_NOSORT, NULL, &files);
    size_t found = failed ? 0 : files.gl_pathc;
    globfree(&files);
    if (found != count)
        return spira_fail(err, SPIRA_EINVALID, "%s: %zu schema files where there are %zu events",
                          folder, found, count);
    return SPIRA_OK;
}

int main(int argc, char **argv)
{
    bool writes = argc == 3 && strcmp(argv[1], "--write") == 0;
    bool checks = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (!writes && !checks) {
        fputs("usage: spira-schemas --write DIR | --check DIR\n", stderr);
        return 2;
    }
    struct spira_error err;
    enum spira_code code = SPIRA_OK;
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = file_name(argv[2], &schemas[i]);
        SPIRA_CLEANUP(spira_free_at)
        char *text = file_text(&schemas[i]);
        code = (writes ? write_file : check_file)(path, text, &err);
    }
    if (code == SPIRA_OK && checks)
        code = check_count(argv[2], count, &err);
    if (code != SPIRA_OK)
        fprintf(stderr, "spira-schemas: %s\n", err.message);
    return code == SPIRA_OK ? 0 : 1;
}
