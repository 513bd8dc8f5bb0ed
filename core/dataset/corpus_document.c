#include "core/dataset/corpus_document.h"

#include "core/ports/event_codec.h"

enum {
    FORMAT = 2,
    /* What an event says takes more as JSON: a control character becomes six. */
    LINE_MAX_BYTES = 8 * SPIRA_EVENT_MAX_BYTES
};

static const char *const names[SPIRA_CORPUS_LISTS] = {
    [SPIRA_CORPUS_NOISES] = "noises",
    [SPIRA_CORPUS_DUPLICATES] = "duplicates",
    [SPIRA_CORPUS_REFUSED] = "rejected",
    [SPIRA_CORPUS_RECORDINGS] = "recordings",
};

static enum spira_code write_row(void *out, enum spira_corpus_list list, struct spira_value *row,
                                 struct spira_error *err)
{
    (void)err;
    spira_value_set_text(row, "list", names[list]);
    spira_value_write(row, SPIRA_COMPACT, out);
    fputc('\n', out);
    spira_value_free(row);
    return SPIRA_OK;
}

enum spira_code spira_corpus_write(struct spira_corpus_builder *builder, FILE *out,
                                   struct spira_error *err)
{
    fprintf(out, "{\"format\":%d}\n", FORMAT);
    return spira_corpus_each(builder, write_row, out, err);
}

/* A document on its way to whoever wants its rows. */
struct reader {
    const char *path;
    spira_corpus_taker *take;
    void *context;
    size_t lines;
};

static enum spira_code take_line(void *context, struct spira_value *line, struct spira_error *err)
{
    struct reader *reader = context;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *row = line;
    if (reader->lines++ == 0)
        return spira_value_get_int(row, "format", 0) == FORMAT
                   ? SPIRA_OK
                   : spira_fail(err, SPIRA_EINVALID, "%s:1: not a corpus of format %d",
                                reader->path, FORMAT);
    const char *name = spira_value_get_text(row, "list", "");
    int list = 0;
    while (list < SPIRA_CORPUS_LISTS && strcmp(names[list], name) != 0)
        list++;
    if (list == SPIRA_CORPUS_LISTS)
        return spira_fail(err, SPIRA_EINVALID, "%s:%zu: a corpus has no list '%s'", reader->path,
                          reader->lines, name);
    spira_value_remove(row, "list");
    row = NULL;
    return reader->take(reader->context, (enum spira_corpus_list)list, line, err);
}

enum spira_code spira_corpus_read(struct spira_config_source json, const char *path,
                                  spira_corpus_taker *take, void *context, struct spira_error *err)
{
    struct reader reader = {.path = path, .take = take, .context = context};
    enum spira_code code =
        spira_config_read_lines(json, path, LINE_MAX_BYTES, take_line, &reader, err);
    if (code == SPIRA_OK && reader.lines == 0)
        return spira_fail(err, SPIRA_EINVALID, "%s:1: not a corpus of format %d", path, FORMAT);
    return code;
}
