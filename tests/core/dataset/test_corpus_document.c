#include "core/dataset/corpus_document.h"

#include <unistd.h>

#include "adapters/json/json_config.h"
#include "core/base/file.h"
#include "tests/core/dataset/corpus_parts.h"

static char path[] = "/tmp/spira-test-corpus-XXXXXX";
static struct spira_error err;

static void make_file(void)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(corpus_document, .init = make_file, .fini = remove_file);

static enum spira_code put(void *builder, FILE *out, struct spira_error *why)
{
    return spira_corpus_write(builder, out, why);
}

/* Writes the document of the builder, which it ends. */
static void write_document(struct spira_corpus_builder *builder)
{
    cr_assert_eq(spira_file_write_by(path, put, builder, &err), SPIRA_OK, "%s", err.message);
    spira_corpus_builder_free(builder);
}

static void expect_text(const char *expected)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 10000, &bytes, &err), SPIRA_OK);
    cr_assert_str_eq(bytes.data, expected);
}

static void add_some(struct spira_corpus_builder *builder)
{
    add(builder, SPIRA_CORPUS_ACCEPTED, noise("ward \"B\"\n", "cc"), 1, 0);
    add(builder, SPIRA_CORPUS_ACCEPTED, noise("hall", "bb"), 1, 1);
    add(builder, SPIRA_CORPUS_REJECTED, rejected("x.wav", "silent"), 1, 0);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("one.wav", "aa", 1, NULL, "test"), 1, 2);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("two.wav", "aa", 1, NULL, "train"), 2, 3);
}

Test(corpus_document, of_no_event_is_its_first_line)
{
    write_document(new_builder());
    expect_text("{\"format\":2}\n");
}

Test(corpus_document, is_written_a_row_a_line)
{
    struct spira_corpus_builder *builder = new_builder();
    add_some(builder);
    write_document(builder);
    expect_text("{\"format\":2}\n"
                "{\"sha256\":\"bb\",\"key\":\"audio/sha256/bb/bb\",\"recording_id\":\"hall\","
                "\"list\":\"noises\"}\n"
                "{\"sha256\":\"cc\",\"key\":\"audio/sha256/cc/cc\","
                "\"recording_id\":\"ward \\\"B\\\"\\n\",\"list\":\"noises\"}\n"
                "{\"recording_id\":\"one.wav\",\"reason\":\"duplicate\","
                "\"message\":\"the same recording as two.wav\",\"list\":\"duplicates\"}\n"
                "{\"recording_id\":\"x.wav\",\"reason\":\"silent\",\"message\":\"the message\","
                "\"list\":\"rejected\"}\n"
                "{\"sha256\":\"aa\",\"key\":\"audio/sha256/aa/aa\",\"recording_id\":\"two.wav\","
                "\"label\":1,\"patient\":\"aa\",\"split\":\"train\",\"seconds\":5.0,"
                "\"rms_dbfs\":-20.0,\"peak\":0.5,\"list\":\"recordings\"}\n");
}

Test(corpus_document, is_read_as_the_builder_hands_it_out)
{
    struct spira_corpus_builder *one = new_builder(), *other = new_builder();
    add_some(one);
    add_some(other);
    write_document(one);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *expected = resolved(other);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = empty_corpus();
    cr_assert_eq(spira_corpus_read(spira_config_source_json(), path, append_row, corpus, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert(spira_value_equal(corpus, expected));
}

static void expect_refused(const char *text, const char *message)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = empty_corpus();
    cr_assert_eq(spira_file_write(path, text, strlen(text), &err), SPIRA_OK);
    cr_assert_eq(spira_corpus_read(spira_config_source_json(), path, append_row, corpus, &err),
                 SPIRA_EINVALID, "%s", text);
    SPIRA_CLEANUP(spira_free_at)
    char *expected = spira_format("%s:%s", path, message);
    cr_assert(strstr(err.message, expected), "%s, not %s", err.message, expected);
}

Test(corpus_document, another_file_is_refused_with_its_line)
{
    expect_refused("", "1: not a corpus of format 2");
    expect_refused("{\"format\": 1,\n\"noises\": []}\n", "1: ");
    expect_refused("{\"format\":3}\n", "1: not a corpus of format 2");
    expect_refused("{\"format\":2}\n{\"list\":\"voices\"}\n", "2: a corpus has no list 'voices'");
    expect_refused("{\"format\":2}\n[]\n", "2: a corpus has no list ''");
    expect_refused("{\"format\":2}\n{\"list\":\"noises\"}\n{\n", "3: ");
}

/* Whatever an event says fits into a line. */
Test(corpus_document, the_longest_row_is_read_back)
{
    struct spira_corpus_builder *builder = new_builder();
    struct spira_value *event = speech("one", "aa", 1, "ann", NULL);
    struct spira_value *metadata = spira_value_set(event, "metadata", spira_value_map());
    char text[1025] = "";
    memset(text, 1, sizeof text - 1); /* six bytes each as JSON */
    for (size_t i = 0; i < 1000; i++) /* an event has at most 1 MiB */
        spira_value_set_text(metadata, hex_of(i).text, text);
    add(builder, SPIRA_CORPUS_ACCEPTED, event, 1, 0);
    write_document(builder);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = empty_corpus();
    cr_assert_eq(spira_corpus_read(spira_config_source_json(), path, append_row, corpus, &err),
                 SPIRA_OK, "%s", err.message);
    const struct spira_value *row = spira_value_at(spira_value_get(corpus, "recordings"), 0);
    cr_assert_eq(spira_value_count(spira_value_get(row, "metadata")), 1000u);
}
