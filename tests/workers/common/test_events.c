#include <criterion/criterion.h>

#include "core/base/text.h"
#include "tests/workers/fixture.h"

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(events, .init = setup, .fini = teardown);

static const char *id_of(const struct spira_message *message)
{
    return spira_message_header(message, "ce_id");
}

Test(events, the_same_said_twice_has_one_id_however_the_step_went)
{
    const char *const texts[] = {
        "{'run_id': '" RUN_ID "', 'reason': 'x', 'execution': {'seconds': 1.5}}",
        "{'execution': {'seconds': 9.0, 'status': 'failed'}, 'reason': 'x', 'run_id': '" RUN_ID
        "'}",
        "{'run_id': '" RUN_ID "', 'reason': 'y'}",
    };
    const struct spira_message *messages[3];
    for (size_t i = 0; i < 3; i++) {
        messages[i] = fixture_emit(&fixture, "run.failed", fixture_value(texts[i]));
        spira_clock_memory_advance(&fixture.clock, 1000);
    }
    cr_assert_str_eq(id_of(messages[0]), id_of(messages[1]));
    cr_assert_str_neq(id_of(messages[0]), id_of(messages[2]));
    cr_assert_str_eq(spira_message_header(messages[0], "ce_type"),
                     "br.usp.ime.spira.run.failed.v1");
    cr_assert_str_eq(spira_message_header(messages[0], "ce_time"), "2023-11-14T22:13:20.000Z");
    cr_assert_str_eq(spira_message_header(messages[0], "ce_subject"), RUN_ID);
}

Test(events, what_does_not_fit_its_schema_is_not_sent)
{
    struct spira_error err;
    cr_assert_eq(spira_event_emit(&fixture.worker, "run.failed", RUN_ID, RUN_ID,
                                  fixture_value("{'run_id': 'no id', 'reason': 'x'}"), &err),
                 SPIRA_EBUG);
    cr_assert_eq(spira_event_emit(&fixture.worker, "no.event", "k", "s", fixture_value("{}"), &err),
                 SPIRA_EBUG);
    cr_assert_eq(fixture_count(&fixture, "run.failed"), 0);
}

Test(events, what_is_not_ours_is_refused_with_its_place)
{
    static const char *const topics[] = {"", "t", "test.", "other.run.failed", "test.no.event"};
    const char *event;
    struct spira_value *value = NULL;
    struct spira_error err;
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        const struct spira_message message = {.topic = topics[i], .value = "\x80", .size = 1};
        cr_assert_eq(spira_event_open(&fixture.worker, &message, &event, &value, &err),
                     SPIRA_EINVALID);
    }
    const struct spira_message empty = {
        .topic = "test.run.failed", .offset = 7, .value = "\x80", .size = 1};
    cr_assert_eq(spira_event_open(&fixture.worker, &empty, &event, &value, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "test.run.failed, partition 0, offset 7"), "%s", err.message);
}

Test(events, a_message_that_is_no_utf8_becomes_one)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"caf\xc3\xa9.wav: missing", "caf\xc3\xa9.wav: missing"},
        {"cut \xc3", "cut ?"},
        {"\xff\xfe x", "?? x"},
        {"\xed\xa0\x80", "???"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *fields = spira_value_map();
        spira_event_set_message(fields, cases[i].from);
        cr_assert_str_eq(spira_value_get_text(fields, "message", NULL), cases[i].to);
    }
}
