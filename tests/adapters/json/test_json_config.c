#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

#include "adapters/json/json_config.h"

static enum spira_code parse(const char *text, struct spira_value **ret_value,
                             struct spira_error *err)
{
    return spira_config_parse(spira_config_source_json(), "c.json", text, strlen(text), ret_value,
                              err);
}

static void reads_as(const char *text, const char *canonical)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    cr_assert_eq(parse(text, &value, &err), SPIRA_OK, "%s: %s", text, err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *written = spira_value_to_text(value, SPIRA_CANONICAL);
    cr_assert_str_eq(written, canonical);
}

static void refused(const char *text, const char *message)
{
    struct spira_error err = {0};
    struct spira_value *value = NULL;
    cr_assert_eq(parse(text, &value, &err), SPIRA_EINVALID, "%s was accepted", text);
    cr_assert_null(value);
    cr_assert(strstr(err.message, message), "%s: got \"%s\"", text, err.message);
}

Test(json_config, comments_are_blanks)
{
    reads_as(
        "// a\n{ /* b \n \"x\": */ \"url\": \"http://a/*b*/\", // c\n \"n\": [1, /**/ 2] } // d",
        "{\"n\":[1,2],\"url\":\"http://a/*b*/\"}");
    refused("{\n/* a\n*", "c.json:2: a comment without its end");
}

Test(json_config, bare_values_are_documents)
{
    reads_as("3", "3");
    reads_as(" \"x\" ", "\"x\"");
    reads_as("[1]\n", "[1]");
    reads_as("null", "null");
    reads_as("true", "true");
    refused("", "c.json:1: ");
    refused("word", "c.json:1: ");
    refused("1 2", "c.json:1: ");
}

Test(json_config, whole_numbers_and_reals_stay_apart)
{
    reads_as("[1, 1.0, 1e-3, 1e2, -0, -0.0]", "[1,1.0,0.001,100.0,0,-0.0]");
    reads_as("[9223372036854775807, -9223372036854775808]",
             "[9223372036854775807,-9223372036854775808]");
    refused("[\n9223372036854775808]", "c.json:2: a whole number beyond 64 bits");
    refused("-9223372036854775809", "beyond 64 bits");
    refused("99999999999999999999999999", "beyond 64 bits");
    refused("1e999", "beyond what a double holds");
}

Test(json_config, what_json_does_not_allow_is_refused)
{
    static const char *const wrong[] = {
        "NaN",       "Infinity",  "-Infinity", "01",         "-01",      "1.",
        ".5",        "+1",        "[1,]",      "{\"a\":1,}", "{'a':1}",  "{a:1}",
        "TRUE",      "[1",        "\"a\nb\"",  "\"\\x\"",    "\"\xff\"", "\"\xc0\x80\"",
        "{\"a\" 1}", "[1 2]",     "\"open",    "1e",         "1e+",      "1.e3",
        "--1",       "1-",        "truex",     "nul",        "[,1]",     "{,}",
        "{\"a\":}",  "{\"a\":1]", "[1}",       "[]]",        "{} {}",    "{\"a\"",
        "{\"a\":1",  "[[]",       "]",         "[1,,2]",     "\"a\" b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(wrong[i], "c.json:");
}

Test(json_config, texts_are_unescaped_and_hold_no_zero)
{
    reads_as("\"\\u00e9 \\\"q\\\" \\\\u0000 \\ud83d\\ude00\"",
             "\"\xc3\xa9 \\\"q\\\" \\\\u0000 \xf0\x9f\x98\x80\"");
    refused("\"a\\u0000b\"", "zero character");
    struct spira_error err;
    struct spira_value *value = NULL;
    cr_assert_eq(spira_config_parse(spira_config_source_json(), "c.json", "1\0", 2, &value, &err),
                 SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "c.json:1: a zero byte");
}

Test(json_config, a_key_twice_is_refused_with_its_line)
{
    refused("{\n\"a\": 1,\n\"b\": {\"a\": 2},\n\"\\u0061\": 3}",
            "c.json:4: the key \"a\" is here twice");
}

Test(json_config, an_error_names_its_line)
{
    refused("{\n  \"a\": 1\n  \"b\": 2\n}", "c.json:3: ");
}

Test(json_config, nesting_ends_at_32)
{
    char text[80] = "";
    memset(text, '[', 32);
    memset(text + 32, ']', 32);
    reads_as(text, text);
    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    refused(text, "c.json:1: nest");
    text[33] = '1';
    memset(text + 34, ']', 33);
    refused(text, "c.json:1: nest");
}

static enum spira_code take_line(void *context, struct spira_value *line, struct spira_error *err)
{
    struct spira_value *taken = context;
    spira_value_append(taken, line);
    return spira_value_count(taken) < 4 ? SPIRA_OK
                                        : spira_fail(err, SPIRA_EINTERRUPTED, "four are enough");
}

/* Reads a file of these bytes by lines of at most 20; writes what was handed out. */
static enum spira_code read_lines(const char *text, size_t size, char **ret_taken,
                                  struct spira_error *err)
{
    char path[] = "/tmp/spira-test-lines-XXXXXX";
    SPIRA_CLEANUP(spira_close_at)
    int fd = mkostemp(path, O_CLOEXEC);
    cr_assert_eq(write(fd, text, size), (ssize_t)size);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *taken = spira_value_list();
    enum spira_code code =
        spira_config_read_lines(spira_config_source_json(), path, 20, take_line, taken, err);
    *ret_taken = spira_value_to_text(taken, SPIRA_CANONICAL);
    unlink(path);
    return code;
}

Test(json_config, the_documents_of_a_files_lines_are_handed_out_one_by_one)
{
    static const struct {
        const char *text, *taken, *message;
        enum spira_code code;
    } cases[] = {
        {"", "[]", "", SPIRA_OK},
        {"{\"a\": [1]}\n2\n", "[{\"a\":[1]},2]", "", SPIRA_OK},
        {"1\n2", "[1,2]", "", SPIRA_OK},
        {"\"345678901234567890\"\n2\n", "[\"345678901234567890\",2]", "", SPIRA_OK},
        {"1\n\"3456789012345678901\"\n3\n", "[1]", ":2: a line of more than 20 bytes",
         SPIRA_ETOOBIG},
        {"1\n\n2\n", "[1]", ":2: not a JSON value", SPIRA_EINVALID},
        {"\n", "[]", ":1: not a JSON value", SPIRA_EINVALID},
        {"1\n[2,\n3]\n", "[1]", ":2: not a JSON value", SPIRA_EINVALID},
        {"1\n2\n3 3\n", "[1,2]", ":3: something behind the end", SPIRA_EINVALID},
        {"1\n2\n3\n4\n5\n", "[1,2,3,4]", "four are enough", SPIRA_EINTERRUPTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct spira_error err = {0};
        SPIRA_CLEANUP(spira_free_at)
        char *taken = NULL;
        cr_assert_eq(read_lines(cases[i].text, strlen(cases[i].text), &taken, &err), cases[i].code,
                     "%s: %s", cases[i].text, err.message);
        cr_assert_str_eq(taken, cases[i].taken);
        cr_assert(strstr(err.message, cases[i].message), "%s", err.message);
    }
}

Test(json_config, lines_have_no_zero_bytes_and_come_from_a_file_that_is_there)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *taken = NULL;
    cr_assert_eq(read_lines("1\n\0002\n3\n", 7, &taken, &err), SPIRA_EINVALID);
    cr_assert_str_eq(taken, "[1]");
    cr_assert(strstr(err.message, ":2: a zero byte"), "%s", err.message);
    const struct spira_config_source json = spira_config_source_json();
    cr_assert_eq(spira_config_read_lines(json, "/nowhere/c", 20, take_line, NULL, &err),
                 SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, "/nowhere/c"), "%s", err.message);
    cr_assert_eq(spira_config_read_lines(json, "/tmp", 20, take_line, NULL, &err), SPIRA_EIO);
}

Test(json_config, the_text_needs_no_zero_behind_it)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    cr_assert_eq(spira_config_parse(spira_config_source_json(), "c.json", "123", 2, &value, &err),
                 SPIRA_OK);
    cr_assert_eq(spira_value_as_int(value, 0), 12);
}
