#include "cli/withdrawal.h"

#include <criterion/criterion.h>

#include "tests/core/dataset/corpus_parts.h"
#include "tests/workers/fixture.h"

static struct fixture fixture;
static struct spira_error err;
static struct spira_value *found;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    spira_value_free(found);
    fixture_done(&fixture);
}

TestSuite(withdrawal, .init = setup, .fini = teardown);

static void accept_as(int digest, const char *recording_id, const char *patient)
{
    struct spira_value *event =
        fixture_value("{'recording': {'key': 'audio/x', 'bytes': 1}, 'role': 'speech', "
                      "'facts': {'format': 'wav', 'rate_hz': 16000, 'channels': 1, 'frames': 1, "
                      "'seconds': 1.0}}");
    spira_value_set_text(spira_value_get(event, "recording"), "sha256",
                         hex_of((uint64_t)digest).text);
    spira_value_set_text(event, "recording_id", recording_id);
    if (patient)
        spira_value_set_text(event, "patient", patient);
    fixture_emit(&fixture, "audio.accepted", event);
}

static enum spira_code find(const char *first, const char *second)
{
    const char *names[] = {first, second};
    return spira_withdrawal_find(&fixture.worker, names, second ? 2 : 1, &found, &err);
}

/* Expects this among what was found, by digest. */
static void expect(int digest, const char *recording_id, const char *patient)
{
    for (size_t i = 0; i < spira_value_count(found); i++) {
        const struct spira_value *recording = spira_value_at(found, i);
        if (strcmp(spira_value_get_text(recording, "sha256", ""), hex_of((uint64_t)digest).text))
            continue;
        cr_assert_str_eq(spira_value_get_text(recording, "recording_id", ""), recording_id);
        cr_assert_str_eq(spira_value_get_text(recording, "patient", "none"), patient);
        return;
    }
    cr_assert_fail("%s is not found", recording_id);
}

Test(withdrawal, a_recording_is_named_by_its_id_or_its_digest)
{
    accept_as(1, "a.wav", "p1");
    accept_as(2, "b.wav", NULL);
    accept_as(3, "c.wav", "p3");
    cr_assert_eq(find("b.wav", hex_of(1).text), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_value_count(found), 2);
    expect(1, "a.wav", "p1");
    expect(2, "b.wav", "none");
}

Test(withdrawal, each_recording_is_withdrawn_once)
{
    accept_as(1, "a.wav", "p1");
    accept_as(1, "a.wav", "p1"); /* again */
    cr_assert_eq(find("a.wav", hex_of(1).text), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_value_count(found), 1);
    spira_value_free(found);
    cr_assert_eq(find("a.wav", "a.wav"), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_value_count(found), 1);
}

Test(withdrawal, a_name_of_no_recording_and_one_of_two_are_refused)
{
    accept_as(1, "a.wav", "p1");
    accept_as(2, "a.wav", "p1"); /* another take under the same name */
    accept_as(3, "c.wav", "p3");
    cr_assert_eq(find("c.wav", "d.wav"), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, "'d.wav'"), "%s", err.message);
    cr_assert_eq(find(hex_of(9).text, NULL), SPIRA_ENOTFOUND);
    cr_assert_eq(find("a.wav", "c.wav"), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "'a.wav'") && strstr(err.message, hex_of(1).text) &&
                  strstr(err.message, hex_of(2).text),
              "%s", err.message);
    cr_assert_null(found);
    cr_assert_eq(find(hex_of(2).text, NULL), SPIRA_OK, "%s", err.message);
    expect(2, "a.wav", "p1");
}

Test(withdrawal, a_message_that_is_no_event_is_passed_over)
{
    const struct spira_message nonsense = {
        .topic = "test.audio.accepted", .key = "x", .value = "nonsense", .size = 8};
    cr_assert_eq(spira_bus_send(fixture.worker.bus, &nonsense, &err), SPIRA_OK);
    accept_as(1, "a.wav", "p1");
    cr_assert_eq(find("a.wav", NULL), SPIRA_OK, "%s", err.message);
    expect(1, "a.wav", "p1");
}

Test(withdrawal, is_said_under_the_patient_with_its_reason)
{
    accept_as(1, "a.wav", "p1");
    accept_as(2, "b.wav", NULL);
    cr_assert_eq(find("a.wav", "b.wav"), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_withdrawal_emit(&fixture.worker, found, "asked for", &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert_eq(fixture_count(&fixture, "audio.withdrawn"), 2);
    for (size_t i = 0; i < 2; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *event = fixture_event(&fixture, "audio.withdrawn", i);
        bool first = strcmp(spira_value_get_text(event, "sha256", ""), hex_of(1).text) == 0;
        cr_assert_str_eq(spira_value_get_text(event, "patient", "none"), first ? "p1" : "none");
        cr_assert_str_eq(spira_value_get_text(event, "reason", ""), "asked for");
        cr_assert_str_eq(fixture_message(&fixture, "audio.withdrawn", i)->key,
                         first ? "p1" : "b.wav");
    }
}
