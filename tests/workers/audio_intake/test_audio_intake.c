#include "workers/audio_intake/audio_intake.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/file.h"
#include "tests/workers/fixture.h"
#include "tests/workers/wav.h"

enum { RATE_HZ = 16000 };

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(audio_intake, .init = setup, .fini = teardown);

static void put(const char *name, const void *data, size_t size)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", fixture.inbox, name);
    cr_assert_eq(spira_file_write(path, data, size, &err), SPIRA_OK, "%s", err.message);
}

/* One second of a tone of this amplitude as WAV. */
static void put_tone(const char *name, double amplitude)
{
    struct {
        struct wav_header header;
        int16_t samples[RATE_HZ];
    } wav = {.header = wav_header(RATE_HZ, RATE_HZ)};
    for (size_t i = 0; i < RATE_HZ; i++)
        wav.samples[i] = (int16_t)(32767 * amplitude * sin(0.1 * (double)i));
    put(name, &wav, sizeof wav);
}

/* Takes in what the event (JSON with ' for ") says; returns how it went. */
static struct spira_step_outcome take_in(const char *json)
{
    struct spira_error err = {0};
    struct spira_step_outcome outcome = {0};
    const struct spira_message *message =
        fixture_emit(&fixture, "audio.collected", fixture_value(json));
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_audio_intake_step, message,
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert(fixture_is_clean(&fixture));
    return outcome;
}

static void expect_rejection(const char *json, const char *reason)
{
    size_t before = fixture_count(&fixture, "audio.rejected");
    take_in(json);
    cr_assert_eq(fixture_count(&fixture, "audio.accepted"), 0u);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rejected = fixture_event(&fixture, "audio.rejected", before);
    cr_assert_str_eq(spira_value_get_text(rejected, "reason", ""), reason);
    const char *message = spira_value_get_text(rejected, "message", "");
    cr_assert_gt(strlen(message), 0u);
    cr_assert_null(strstr(message, fixture.scratch), "'%s' names a folder of ours", message);
}

#define SPEECH(uri) "{'recording_id': '" uri "', 'uri': '" uri "', 'label': 1, 'patient': 'p'}"

Test(audio_intake, a_good_recording_is_measured_and_kept)
{
    put_tone("a.wav", 0.5);
    cr_assert(take_in(SPEECH("a.wav")).computed);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *accepted = fixture_event(&fixture, "audio.accepted", 0);
    cr_assert_not_null(accepted);
    cr_assert_eq(spira_value_get_int(accepted, "label", -1), 1);
    cr_assert_str_eq(spira_value_get_text(accepted, "patient", ""), "p");
    cr_assert_float_eq(spira_value_as_real(spira_value_find(accepted, "facts.seconds"), 0), 1,
                       1e-9);
    cr_assert_float_eq(spira_value_as_real(spira_value_find(accepted, "facts.peak"), 0), 0.5, 1e-3);
    const char *key = spira_value_as_text(spira_value_find(accepted, "recording.key"), "");
    cr_assert_eq(strncmp(key, "audio/sha256/", 13), 0);
    cr_assert(fixture_has(&fixture, key));
}

Test(audio_intake, the_same_recording_again_is_reused_and_said_in_the_same_words)
{
    put_tone("a.wav", 0.5);
    take_in(SPEECH("a.wav"));
    cr_assert_str_eq(take_in(SPEECH("a.wav")).status, "reused");
    const char *ids[2];
    for (size_t i = 0; i < 2; i++)
        ids[i] = spira_message_header(fixture_message(&fixture, "audio.accepted", i), "ce_id");
    cr_assert_str_eq(ids[0], ids[1]);
}

Test(audio_intake, what_is_no_recording_is_rejected_with_a_reason)
{
    put("text.wav", "this is no sound\n", 17);
    put("empty.wav", "", 0);
    put_tone("silent.wav", 0);
    put_tone("quiet.wav", 0.0015);
    expect_rejection(SPEECH("text.wav"), "unreadable");
    expect_rejection(SPEECH("empty.wav"), "unreadable");
    expect_rejection(SPEECH("silent.wav"), "silent");
    expect_rejection(SPEECH("quiet.wav"), "too_quiet");
    expect_rejection(SPEECH("none.wav"), "missing");
    expect_rejection(SPEECH("../secret.wav"), "invalid_uri");
}

Test(audio_intake, a_label_that_is_missing_or_wrong_is_named)
{
    put_tone("a.wav", 0.5);
    expect_rejection("{'recording_id': 'a', 'uri': 'a.wav'}", "label_missing");
    expect_rejection("{'recording_id': 'a', 'uri': 'a.wav', 'label_text': 'ill'}", "label_invalid");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rejected = fixture_event(&fixture, "audio.rejected", 1);
    cr_assert(strstr(spira_value_get_text(rejected, "message", ""), "ill"));
}

Test(audio_intake, a_noise_needs_no_label)
{
    put_tone("ward.wav", 0.5);
    take_in("{'recording_id': 'ward', 'uri': 'ward.wav', 'role': 'noise'}");
    cr_assert_eq(fixture_count(&fixture, "audio.accepted"), 1u);
}

Test(audio_intake, bytes_that_the_sender_did_not_mean_are_rejected)
{
    put_tone("a.wav", 0.5);
    expect_rejection("{'recording_id': 'a', 'uri': 'a.wav', 'label': 0, 'sha256': "
                     "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}",
                     "digest_mismatch");
}

/* How the computation ends, in place of the child process that would. */
static enum spira_code ending;

static enum spira_code end(struct spira_step_call *call, const struct spira_step *step,
                           struct spira_checkpoints *checkpoints, struct spira_value **ret_result,
                           struct spira_error *err)
{
    (void)checkpoints;
    (void)ret_result;
    call->attempts = 3;
    call->signal = SIGSEGV;
    return spira_fail(err, ending, "%s: at 0x7ffd in %s", step->name, call->folder);
}

Test(audio_intake, a_recording_that_no_computation_survives_is_rejected)
{
    static const struct {
        enum spira_code code;
        const char *reason;
    } ends[] = {
        {SPIRA_ECRASHED, "crashed"}, {SPIRA_EOVERRAN, "timeout"}, {SPIRA_EOUTGREW, "memory"}};
    put_tone("a.wav", 0.5);
    fixture.worker.compute = end;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        ending = ends[i].code;
        expect_rejection(SPEECH("a.wav"), ends[i].reason);
        struct spira_step_outcome outcome = take_in(SPEECH("a.wav"));
        cr_assert_str_eq(outcome.status, "failed");
        cr_assert_eq(outcome.failure.code, ends[i].code);
        cr_assert_eq(outcome.attempts, 3u);
        cr_assert_eq(outcome.signal, SIGSEGV);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rejected = fixture_event(&fixture, "audio.rejected", 0);
    cr_assert_str_eq(spira_value_get_text(rejected, "message", ""),
                     "the computation crashed, 3 times; SIGSEGV");
    cr_assert_str_eq(spira_value_get_text(rejected, "patient", ""), "p");
}

Test(audio_intake, a_store_that_does_not_answer_rejects_nothing)
{
    struct spira_error err;
    struct spira_step_outcome outcome;
    put_tone("a.wav", 0.5);
    fixture.worker.compute = end;
    ending = SPIRA_EIO;
    const struct spira_message *message =
        fixture_emit(&fixture, "audio.collected", fixture_value(SPEECH("a.wav")));
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_audio_intake_step, message,
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_EIO);
    cr_assert_eq(fixture_count(&fixture, "audio.rejected"), 0u);
}

/* When the first answer says that its recording was collected. */
static int64_t collected_at(const char *event)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *answer = fixture_event(&fixture, event, 0);
    return spira_value_get_int(answer, SPIRA_COLLECTED_AT, -1);
}

Test(audio_intake, the_answer_says_when_the_recording_was_collected)
{
    put_tone("a.wav", 0.5);
    take_in("{'recording_id': 'a', 'uri': 'a.wav', 'label': 1, 'collected_at': 12345}");
    cr_assert_eq(collected_at("audio.accepted"), 12345);
    take_in("{'recording_id': 'b', 'uri': 'b.wav', 'label': 1, 'collected_at': 12346}");
    cr_assert_eq(collected_at("audio.rejected"), 12346);
}

Test(audio_intake, an_event_that_does_not_say_was_collected_when_the_bus_got_it)
{
    put_tone("a.wav", 0.5);
    int64_t now_ms = spira_clock_now_ms(fixture.worker.clock);
    take_in(SPEECH("a.wav"));
    cr_assert_eq(collected_at("audio.accepted"), now_ms);
}
