#include "cli/dead_letters.h"

#include <criterion/criterion.h>

#include "cli/dead_letter_output.h"
#include "tests/workers/fixture.h"

static struct fixture fixture;
static struct spira_error err;

static void ensure(const char *topic)
{
    cr_assert_eq(spira_bus_ensure_topic(fixture.worker.bus, topic, 3, &err), SPIRA_OK);
}

static void setup(void)
{
    fixture_init(&fixture);
    ensure("test.run.requested.dlq");
    ensure("test.features.requested.dlq");
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(dead_letters, .init = setup, .fini = teardown);

/* A message arrives and is put aside. */
static void put_aside(const char *event, const char *key, const void *value, size_t size,
                      enum spira_code why)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(&fixture.worker, event);
    const struct spira_header headers[] = {{"ce_id", "i"}, {"ce_subject", "s\x1b[2J"}};
    const struct spira_message sent = {.topic = topic,
                                       .key = key,
                                       .value = value,
                                       .size = size,
                                       .headers = headers,
                                       .header_count = 2};
    cr_assert_eq(spira_bus_send(fixture.worker.bus, &sent, &err), SPIRA_OK);
    struct spira_dead_letter letter = {
        .message = fixture_message(&fixture, event, fixture_count(&fixture, event) - 1),
        .group = "test.step",
        .attempts = 1,
        .last_failed_ms = 1700000000000};
    (void)spira_fail(&letter.failure, why, "%s", key ? key : "it");
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &letter, &err), SPIRA_OK);
}

static void put_three_aside(void)
{
    put_aside("run.requested", "a", "\xc1", 1, SPIRA_EINVALID);
    put_aside("run.requested", "b", "\0\xff\n", 3, SPIRA_EOVERRAN);
    put_aside("features.requested", NULL, NULL, 0, SPIRA_EOVERRAN);
}

/* The ids of the open letters, joined; freed by the caller. */
static char *ids_of(const struct spira_value *letters)
{
    char *joined = spira_format("%s", "");
    for (size_t i = 0; i < spira_value_count(letters); i++) {
        char *longer = spira_format("%s%s%s", joined, i ? " " : "",
                                    spira_value_get_text(spira_value_at(letters, i), "id", "?"));
        free(joined);
        joined = longer;
    }
    return joined;
}

static void expect_list(const char *topic, const char *reason, const char *ids)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = NULL;
    size_t strange = 99;
    cr_assert_eq(spira_dead_letters_list(&fixture.worker, topic, reason, &letters, &strange, &err),
                 SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *found = ids_of(letters);
    cr_assert_str_eq(found, ids);
}

static struct spira_value *find(const char *first, const char *second)
{
    const char *const ids[] = {first, second};
    struct spira_value *letters = NULL;
    cr_assert_eq(spira_dead_letters_find(&fixture.worker, ids, second ? 2 : 1, &letters, &err),
                 SPIRA_OK, "%s", err.message);
    return letters;
}

Test(dead_letters, are_listed_by_topic_and_reason)
{
    expect_list(NULL, NULL, "");
    put_three_aside();
    expect_list(NULL, "malformed", "run.requested:0:0");
    expect_list("run.requested", "timeout", "run.requested:0:1");
    expect_list("features.requested", NULL, "features.requested:0:0");
    expect_list("model.trained", NULL, ""); /* its dead-letter topic is not there */
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = NULL;
    size_t strange;
    cr_assert_eq(spira_dead_letters_list(&fixture.worker, NULL, NULL, &letters, &strange, &err),
                 SPIRA_OK);
    cr_assert_eq(spira_value_count(letters), 3u);
    cr_assert_eq(
        spira_dead_letters_list(&fixture.worker, "run.requestd", NULL, &letters, &strange, &err),
        SPIRA_EINVALID);
    cr_assert(strstr(err.message, "'run.requested'"));
    cr_assert_eq(spira_dead_letters_list(&fixture.worker, NULL, "tired", &letters, &strange, &err),
                 SPIRA_EINVALID);
}

Test(dead_letters, a_letter_that_came_twice_is_one)
{
    put_aside("run.requested", "a", "x", 1, SPIRA_EINVALID);
    const struct spira_dead_letter again = {.message =
                                                fixture_message(&fixture, "run.requested", 0)};
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &again, &err), SPIRA_OK);
    expect_list(NULL, NULL, "run.requested:0:0");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = find("run.requested:0:0", NULL);
    cr_assert_eq(spira_dead_letters_discard(&fixture.worker, letters, &err), SPIRA_OK);
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &again, &err), SPIRA_OK);
    expect_list(NULL, NULL, "");
}

Test(dead_letters, a_topic_made_anew_has_letters_of_its_own)
{
    put_aside("run.requested", "a", "x", 1, SPIRA_EINVALID);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = find("run.requested:0:0", NULL);
    cr_assert_eq(spira_dead_letters_discard(&fixture.worker, letters, &err), SPIRA_OK);
    struct spira_message other = *fixture_message(&fixture, "run.requested", 0);
    other.timestamp_ms += 1000;
    const struct spira_dead_letter letter = {.message = &other};
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &letter, &err), SPIRA_OK);
    expect_list(NULL, NULL, "run.requested:0:0");
}

Test(dead_letters, a_retry_sends_the_same_bytes_and_hides_the_letter)
{
    put_three_aside();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = find("features.requested:0:0", "run.requested:0:1");
    cr_assert_eq(spira_dead_letters_retry(&fixture.worker, letters, &err), SPIRA_OK, "%s",
                 err.message);
    expect_list(NULL, NULL, "run.requested:0:0");
    const struct spira_message *binary = fixture_message(&fixture, "run.requested", 2);
    cr_assert(binary);
    cr_assert_str_eq(binary->key, "b");
    cr_assert_eq(binary->size, 3u);
    cr_assert_arr_eq((const char *)binary->value, "\0\xff\n", 3);
    cr_assert_eq(binary->header_count, 3u);
    cr_assert_str_eq(spira_message_header(binary, "x-redrive-of"), "run.requested:0:1");
    const struct spira_message *keyless = fixture_message(&fixture, "features.requested", 1);
    cr_assert(keyless);
    cr_assert_null(keyless->key);
    cr_assert_eq(keyless->size, 0u);
    /* It fails again: a new letter. */
    const struct spira_dead_letter again = {.message = binary, .failure = {.code = SPIRA_EOVERRAN}};
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &again, &err), SPIRA_OK);
    expect_list(NULL, "timeout", "run.requested:0:2");
}

static enum spira_code note(void *context, const struct spira_value *letter,
                            const struct spira_message *message, struct spira_error *error)
{
    (void)error;
    cr_assert_str_eq(message->key, spira_value_get_text(letter, "error", "?"));
    spira_value_append(context, spira_value_copy(letter));
    return SPIRA_OK;
}

Test(dead_letters, are_read_in_the_order_of_the_list)
{
    for (int i = 0; i < 30; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %d", i);
        put_aside(i % 3 == 0 ? "features.requested" : "run.requested", key, key, 2, SPIRA_EINVALID);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = NULL;
    size_t strange;
    cr_assert_eq(spira_dead_letters_list(&fixture.worker, NULL, NULL, &letters, &strange, &err),
                 SPIRA_OK);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *some = spira_value_list();
    for (size_t i = 0; i < 30; i += 1 + i % 3)
        spira_value_append(some, spira_value_copy(spira_value_at(letters, i)));
    spira_value_append(some, spira_value_copy(spira_value_at(letters, 0)));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *seen = spira_value_list();
    cr_assert_eq(spira_dead_letters_read(&fixture.worker, some, note, seen, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert(spira_value_equal(seen, some));
}

Test(dead_letters, an_id_that_no_open_letter_has_is_named)
{
    static const char *const wrong[] = {"run.requested", "run.requested:0",    "run.requested:0:1x",
                                        ":0:0",          "run.requested:0:-1", ""};
    put_three_aside();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = find("run.requested:0:0", NULL);
    cr_assert_eq(spira_dead_letters_discard(&fixture.worker, letters, &err), SPIRA_OK);
    struct spira_value *none = NULL;
    const char *const ids[] = {"run.requested:0:1", "run.requested:0:0"};
    cr_assert_eq(spira_dead_letters_find(&fixture.worker, ids, 2, &none, &err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, "run.requested:0:0"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(spira_dead_letters_find(&fixture.worker, &wrong[i], 1, &none, &err),
                     SPIRA_EINVALID, "%s", wrong[i]);
}

Test(dead_letters, what_is_no_letter_is_counted)
{
    const struct spira_message stray = {.topic = "test.run.requested.dlq", .value = "x", .size = 1};
    cr_assert_eq(spira_bus_send(fixture.worker.bus, &stray, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = NULL;
    size_t strange = 0;
    cr_assert_eq(spira_dead_letters_list(&fixture.worker, NULL, NULL, &letters, &strange, &err),
                 SPIRA_OK);
    cr_assert_eq(strange, 1u);
    cr_assert_eq(spira_value_count(letters), 0u);
}

static enum spira_code print(void *context, const struct spira_value *letter,
                             const struct spira_message *message, struct spira_error *error)
{
    (void)error;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = spira_dead_letter_object(&fixture.worker, letter, message);
    spira_dead_letter_print(context, object);
    return SPIRA_OK;
}

/* What show and list print of the letters; freed by the caller. */
static char *printed(const struct spira_value *letters)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_eq(spira_dead_letters_read(&fixture.worker, letters, print, out, &err), SPIRA_OK);
    fclose(out);
    return text;
}

Test(dead_letters, show_prints_what_is_an_event_and_bytes_of_what_is_none)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes event = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = fixture_value("{'run_id': 'x\\u009b\\u001b\\u007fy'}");
    cr_assert_eq(spira_event_encode(fixture.worker.codec, value, &event, &err), SPIRA_OK);
    put_aside("run.requested", "a\x1b[2J\r", "\xc1\x1b[2J", 5, SPIRA_EINVALID);
    put_aside("run.requested", "b", event.data, event.size, SPIRA_EINVALID);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = find("run.requested:0:0", "run.requested:0:1");
    SPIRA_CLEANUP(spira_free_at)
    char *text = printed(letters);
    cr_assert(strstr(text, "id               run.requested:0:0\n"), "%s", text);
    cr_assert(strstr(text, "reason           malformed\n"), "%s", text);
    cr_assert(strstr(text, "  ce_id: i\n"), "%s", text);
    cr_assert(strstr(text, "  dlq-signal: 0\n"), "%s", text);
    cr_assert(strstr(text, "value, 5 bytes that are no event\n  c1 1b 5b 32 4a\n"), "%s", text);
    cr_assert(strstr(text, "\"run_id\": \"x??\\u001b?y\""), "%s", text);
    for (const char *at = text; *at; at++)
        cr_assert((unsigned char)*at >= 0x20 || *at == '\n', "a control character: %s", text);
}
