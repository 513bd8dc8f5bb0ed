#include "workers/common/loop/dead_letter.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "adapters/flaky/event_bus_flaky.h"
#include "core/base/text.h"
#include "tests/workers/fixture.h"
#include "workers/common/version.h"

static struct fixture fixture;
static const char topic[] = "test.run.requested";
static const char letters[] = "run.requested" SPIRA_DEAD_LETTER_SUFFIX;

static void setup(void)
{
    struct spira_error err;
    fixture_init(&fixture);
    cr_assert_eq(spira_bus_ensure_topic(fixture.worker.bus, "test.run.requested.dlq", 1, &err),
                 SPIRA_OK);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(dead_letter, .init = setup, .fini = teardown);

static const struct spira_message *arrive(const char *key, const void *value, size_t size,
                                          const struct spira_header *headers, size_t count)
{
    struct spira_error err;
    const struct spira_message message = {.topic = topic,
                                          .key = key,
                                          .value = value,
                                          .size = size,
                                          .headers = headers,
                                          .header_count = count};
    cr_assert_eq(spira_bus_send(fixture.worker.bus, &message, &err), SPIRA_OK);
    return fixture_message(&fixture, "run.requested", fixture_count(&fixture, "run.requested") - 1);
}

static const struct spira_message *put_aside(const struct spira_message *message,
                                             enum spira_code code, const char *why, int number)
{
    struct spira_error err;
    struct spira_dead_letter letter = {.message = message,
                                       .group = "test.feature_engineering",
                                       .attempts = 3,
                                       .signal = number,
                                       .first_failed_ms = 1700000001000,
                                       .last_failed_ms = 1700000002500};
    (void)spira_fail(&letter.failure, code, "%s", why);
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &letter, &err), SPIRA_OK, "%s",
                 err.message);
    return fixture_message(&fixture, letters, fixture_count(&fixture, letters) - 1);
}

static void expect_header(const struct spira_message *message, const char *name, const char *value)
{
    const char *found = spira_message_header(message, name);
    cr_assert(found, "%s", name);
    cr_assert_str_eq(found, value, "%s", name);
}

static void expect_bytes(const struct spira_message *message, const char *key, const void *value,
                         size_t size)
{
    cr_assert_eq(message->key == NULL, key == NULL);
    if (key)
        cr_assert_str_eq(message->key, key);
    cr_assert_eq(message->size, size);
    if (size)
        cr_assert_arr_eq((const char *)message->value, (const char *)value, size);
}

Test(dead_letter, is_the_message_and_says_what_happened_to_it)
{
    static const char value[] = "\x81\x00\xff\n{";
    static const struct spira_header headers[] = {{"ce_id", "i"}, {"ce_subject", "r"}};
    arrive("a", "x", 1, NULL, 0);
    const struct spira_message *letter = put_aside(arrive("key", value, sizeof value, headers, 2),
                                                   SPIRA_ECRASHED, "it fell", SIGSEGV);
    expect_bytes(letter, "key", value, sizeof value);
    cr_assert_eq(letter->header_count, 15u);
    expect_header(letter, "ce_id", "i");
    expect_header(letter, "dlq-topic", topic);
    expect_header(letter, "dlq-partition", "0");
    expect_header(letter, "dlq-offset", "1");
    expect_header(letter, "dlq-timestamp", "2023-11-14T22:13:20.000Z");
    expect_header(letter, "dlq-group", "test.feature_engineering");
    expect_header(letter, "dlq-worker", "test");
    expect_header(letter, "dlq-worker-version", spira_version());
    expect_header(letter, "dlq-reason", "crashed");
    expect_header(letter, "dlq-error", "it fell");
    expect_header(letter, "dlq-attempts", "3");
    expect_header(letter, "dlq-first-failed-at", "2023-11-14T22:13:21.000Z");
    expect_header(letter, "dlq-last-failed-at", "2023-11-14T22:13:22.500Z");
    expect_header(letter, "dlq-signal", "11");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *opened = NULL;
    struct spira_error err;
    cr_assert_eq(spira_dead_letter_open(&fixture.worker, letter, &opened, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(opened, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *expected = spira_format(
        "{\"attempts\":3,\"error\":\"it fell\",\"first_failed_at\":\"2023-11-14T22:13:21.000Z\","
        "\"group\":\"test.feature_engineering\",\"id\":\"run.requested:0:1\","
        "\"last_failed_at\":\"2023-11-14T22:13:22.500Z\",\"offset\":1,\"partition\":0,"
        "\"reason\":\"crashed\",\"redrives\":0,\"signal\":11,\"subject\":\"r\","
        "\"timestamp\":\"2023-11-14T22:13:20.000Z\",\"topic\":\"test.run.requested\","
        "\"worker\":\"test\",\"worker_version\":\"%s\"}",
        spira_version());
    cr_assert_str_eq(text, expected);
}

Test(dead_letter, tells_bytes_that_are_no_event_from_an_event_that_breaks_its_schema)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes wrong = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes right = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = fixture_value("{'run_id': 7}");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event =
        fixture_value("{'run_id': '" RUN_ID "', 'manifest': {'key': 'a', 'bytes': 0, 'sha256': "
                      "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}}");
    struct spira_error err;
    cr_assert_eq(spira_event_encode(fixture.worker.codec, value, &wrong, &err), SPIRA_OK);
    cr_assert_eq(spira_event_encode(fixture.worker.codec, event, &right, &err), SPIRA_OK);
    expect_header(put_aside(arrive("k", "\xc1", 1, NULL, 0), SPIRA_EINVALID, "", 0), "dlq-reason",
                  "malformed");
    expect_header(put_aside(arrive("k", NULL, 0, NULL, 0), SPIRA_EINVALID, "", 0), "dlq-reason",
                  "malformed");
    expect_header(put_aside(arrive("k", wrong.data, wrong.size, NULL, 0), SPIRA_EINVALID, "", 0),
                  "dlq-reason", "rejected_by_schema");
    expect_header(put_aside(arrive("k", right.data, right.size, NULL, 0), SPIRA_EINVALID, "", 0),
                  "dlq-reason", "invalid");
}

Test(dead_letter, every_code_has_a_reason)
{
    const struct spira_message *message = arrive("k", "x", 1, NULL, 0);
    for (int code = SPIRA_OK + 1; code <= SPIRA_EBUG; code++) {
        const struct spira_message *letter = put_aside(message, (enum spira_code)code, "", 0);
        const char *reason = spira_message_header(letter, "dlq-reason");
        cr_assert(reason && spira_dead_letter_is_reason(reason), "%s",
                  spira_code_name((enum spira_code)code));
    }
    cr_assert_not(spira_dead_letter_is_reason("none"));
}

Test(dead_letter, its_error_is_utf8_and_bounded)
{
    char why[sizeof((struct spira_error *)0)->message];
    memset(why, 0xe9, sizeof why - 1); /* each grows to three bytes */
    why[sizeof why - 1] = '\0';
    const struct spira_message *letter =
        put_aside(arrive("k", "x", 1, NULL, 0), SPIRA_EINVALID, why, 0);
    const char *error = spira_message_header(letter, "dlq-error");
    cr_assert(strlen(error) < 1024 && strlen(error) > 1000);
    cr_assert(spira_utf8_valid(error, strlen(error)));
}

Test(dead_letter, a_topic_that_is_not_there_is_waited_for)
{
    const struct spira_message *message =
        fixture_emit(&fixture, "run.canceled", fixture_value("{'run_id': '" RUN_ID "'}"));
    const struct spira_dead_letter letter = {.message = message};
    struct spira_error err;
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &letter, &err), SPIRA_EUNREACHABLE);
    cr_assert(strstr(err.message, "test.run.canceled.dlq"));
}

Test(dead_letter, goes_back_as_it_came)
{
    static const char value[] = {'\0', '\xff', '\n', '\0'};
    static const struct spira_header headers[] = {
        {"ce_id", "i"}, {"dlq-reason", "forged"}, {"x-redrive-of", "run.requested:0:99"}};
    static const char *const keys[] = {"key", NULL};
    struct spira_error err;
    for (size_t i = 0; i < 2; i++) {
        const struct spira_message *letter = put_aside(
            arrive(keys[i], value, sizeof value, headers, 3), SPIRA_EOVERRAN, "too slow", 9);
        expect_header(letter, "dlq-reason", "timeout");
        cr_assert_eq(spira_dead_letter_redrive(&fixture.worker, letter, &err), SPIRA_OK);
        const struct spira_message *again = fixture_message(&fixture, "run.requested", 2 * i + 1);
        cr_assert(again);
        expect_bytes(again, keys[i], value, sizeof value);
        cr_assert_eq(again->header_count, 3u);
        expect_header(again, "ce_id", "i");
        cr_assert_str_eq(again->headers[1].value, "run.requested:0:99");
        cr_assert_str_eq(again->headers[2].name, "x-redrive-of");
        cr_assert_str_eq(again->headers[2].value,
                         i == 0 ? "run.requested:0:0" : "run.requested:0:2");
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *opened = NULL;
        cr_assert_eq(spira_dead_letter_open(&fixture.worker,
                                            put_aside(again, SPIRA_EOVERRAN, "again", 9), &opened,
                                            &err),
                     SPIRA_OK);
        cr_assert_eq(spira_value_get_int(opened, "redrives", 0), 2);
    }
}

Test(dead_letter, a_value_too_large_for_a_letter_is_left_where_it_was)
{
    static const enum spira_code codes[] = {SPIRA_OK, SPIRA_ETOOBIG};
    struct spira_flaky_script script = {.operation = "send", .codes = codes, .count = 2};
    static const struct spira_header headers[] = {{"ce_id", "i"}};
    struct spira_error err;
    fixture.worker.bus = spira_event_bus_flaky(fixture.worker.bus, &script, 1);
    const struct spira_message *letter =
        put_aside(arrive("key", "a large value", 13, headers, 1), SPIRA_ETOOBIG, "too large", 0);
    expect_bytes(letter, NULL, NULL, 0);
    cr_assert_eq(letter->header_count, 14u);
    expect_header(letter, "dlq-value-left", "13");
    expect_header(letter, "dlq-offset", "0");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *opened = NULL;
    cr_assert_eq(spira_dead_letter_open(&fixture.worker, letter, &opened, &err), SPIRA_OK);
    cr_assert_eq(spira_value_get_int(opened, "left", 0), 13);
    cr_assert_eq(spira_dead_letter_redrive(&fixture.worker, letter, &err), SPIRA_OK);
    const struct spira_message *again = fixture_message(&fixture, "run.requested", 1);
    cr_assert(again);
    expect_bytes(again, "key", "a large value", 13);
    cr_assert_eq(again->header_count, 2u);
    expect_header(again, "x-redrive-of", "run.requested:0:0");
}

Test(dead_letter, a_marker_names_its_letter)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letter = NULL;
    const struct spira_message *message =
        put_aside(arrive(NULL, "x", 1, NULL, 0), SPIRA_EINVALID, "why", 0);
    cr_assert_eq(spira_dead_letter_open(&fixture.worker, message, &letter, &err), SPIRA_OK);
    cr_assert_eq(spira_dead_letter_resolve(&fixture.worker, letter, "discarded", &err), SPIRA_OK);
    const struct spira_message *sent = fixture_message(&fixture, letters, 1);
    expect_bytes(sent, "run.requested:0:0", NULL, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *marker = NULL;
    cr_assert_eq(spira_dead_letter_open(&fixture.worker, sent, &marker, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(marker, SPIRA_CANONICAL);
    cr_assert_str_eq(text, "{\"id\":\"run.requested:0:0\",\"offset\":0,\"partition\":0,"
                           "\"resolved\":\"discarded\",\"timestamp\":\"2023-11-14T22:13:20.000Z\","
                           "\"topic\":\"test.run.requested\"}");
}

Test(dead_letter, what_is_no_letter_is_refused)
{
    static const struct spira_header identities[][3] = {
        {{"dlq-topic", "test.run.failed"}, {"dlq-partition", "0"}, {"dlq-offset", "0"}},
        {{"dlq-topic", "run.requested"}, {"dlq-partition", "0"}, {"dlq-offset", "0"}},
        {{"dlq-topic", "test.run.requested"}, {"dlq-partition", "-1"}, {"dlq-offset", "0"}},
        {{"dlq-topic", "test.run.requested"}, {"dlq-partition", "00"}, {"dlq-offset", "0"}},
        {{"dlq-topic", "test.run.requested"}, {"dlq-partition", "0"}, {"dlq-offset", "1 "}},
        {{"dlq-topic", "test.run.requested"}, {"dlq-partition", "0"}, {"x", "1"}},
    };
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
        const struct spira_message message = {.topic = "test.run.requested.dlq",
                                              .value = "x",
                                              .size = 1,
                                              .headers = identities[i],
                                              .header_count = 3};
        struct spira_value *letter = NULL;
        struct spira_error err;
        cr_assert_eq(spira_dead_letter_open(&fixture.worker, &message, &letter, &err),
                     SPIRA_EINVALID, "%zu", i);
    }
}
