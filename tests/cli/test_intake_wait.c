#include "cli/intake_wait.h"

#include <criterion/criterion.h>

#include "cli/collection.h"
#include "core/base/file.h"
#include "tests/workers/fixture.h"
#include "workers/audio_intake/audio_intake.h"
#include "workers/common/loop/dead_letter.h"

static struct fixture fixture;
static struct spira_error err;
static struct spira_value *events;
static struct spira_intake_wait waiting;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    spira_intake_wait_done(&waiting);
    spira_value_free(events);
    fixture_done(&fixture);
}

TestSuite(intake_wait, .init = setup, .fini = teardown);

/* Sends a.wav and b.wav, which are not there, and a once more. */
static void send_three(void)
{
    int64_t last_ms = 0;
    events = fixture_value("[{'recording_id': 'b', 'uri': 'b.wav', 'label': 1},"
                           " {'recording_id': 'a', 'uri': 'a.wav', 'label': 1},"
                           " {'recording_id': 'a', 'uri': 'a.wav', 'label': 0}]");
    spira_collection_date(&fixture.worker, events, &last_ms);
    cr_assert_eq(spira_intake_wait_begin(&fixture.worker, events, &waiting, &err), SPIRA_OK);
    cr_assert_eq(spira_collection_emit(&fixture.worker, events, &err), SPIRA_OK, "%s", err.message);
}

/* The intake takes the event at index among all that were collected. */
static void take_in(size_t index)
{
    struct spira_step_outcome outcome = {0};
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_audio_intake_step,
                                fixture_message(&fixture, "audio.collected", index),
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_OK, "%s", err.message);
}

static void expect(size_t settled, size_t accepted, size_t rejected, size_t failed)
{
    cr_assert_eq(spira_intake_wait_look(&waiting, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(waiting.settled, settled);
    cr_assert_eq(waiting.accepted, accepted);
    cr_assert_eq(spira_value_count(waiting.rejected), rejected);
    cr_assert_eq(spira_value_count(waiting.failed), failed);
}

Test(intake_wait, each_event_is_settled_by_its_own_answer)
{
    send_three();
    expect(0, 0, 0, 0);
    take_in(2);
    expect(1, 0, 1, 0);
    take_in(2); /* delivered again: the same answer again */
    expect(1, 0, 1, 0);
    take_in(0);
    take_in(1);
    expect(3, 0, 3, 0);
    const struct spira_value *note = spira_value_at(waiting.rejected, 1);
    cr_assert_str_eq(spira_value_get_text(note, "recording_id", ""), "b");
    cr_assert_str_eq(spira_value_get_text(note, "reason", ""), "missing");
    cr_assert_str_neq(spira_value_get_text(note, "message", ""), "");
}

Test(intake_wait, what_was_accepted_is_counted)
{
    fixture_emit(&fixture, "audio.accepted",
                 fixture_value("{'recording_id': 'a', 'recording': {'key': 'audio/x', 'sha256': "
                               "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',"
                               " 'bytes': 1}, 'role': 'speech', 'facts': {'format': 'wav', "
                               "'rate_hz': 16000, 'channels': 1, 'frames': 1, 'seconds': 1.0}}"));
    send_three();
    expect(0, 0, 0, 0); /* that was another, before */
    struct spira_value *answer = fixture_event(&fixture, "audio.accepted", 0);
    spira_value_set(
        answer, SPIRA_COLLECTED_AT,
        spira_value_copy(spira_value_get(spira_value_at(events, 1), SPIRA_COLLECTED_AT)));
    fixture_emit(&fixture, "audio.accepted", answer);
    expect(1, 1, 0, 0);
}

Test(intake_wait, a_dead_letter_settles_too_though_its_topic_was_not_there)
{
    send_three();
    expect(0, 0, 0, 0);
    cr_assert_eq(spira_bus_ensure_topic(fixture.worker.bus, "test.audio.collected.dlq", 1, &err),
                 SPIRA_OK);
    struct spira_dead_letter letter = {
        .message = fixture_message(&fixture, "audio.collected", 1), .group = "g", .attempts = 3};
    (void)spira_fail(&letter.failure, SPIRA_EINVALID, "the decoder crashed");
    cr_assert_eq(spira_dead_letter_send(&fixture.worker, &letter, &err), SPIRA_OK, "%s",
                 err.message);
    expect(1, 0, 0, 1);
    const struct spira_value *note = spira_value_at(waiting.failed, 0);
    cr_assert_str_eq(spira_value_get_text(note, "recording_id", ""), "a");
    cr_assert_str_neq(spira_value_get_text(note, "reason", ""), "");
    cr_assert(strstr(spira_value_get_text(note, "message", ""), "crashed"));
}

Test(intake_wait, what_is_no_event_is_passed_over)
{
    send_three();
    const struct spira_message nonsense = {
        .topic = "test.audio.rejected", .key = "x", .value = "nonsense", .size = 8};
    cr_assert_eq(spira_bus_send(fixture.worker.bus, &nonsense, &err), SPIRA_OK);
    expect(0, 0, 0, 0);
    take_in(0);
    expect(1, 0, 1, 0);
}
