/* The pipeline's own steps, in threads and in child processes: the same bytes. */
#include <criterion/criterion.h>
#include <math.h>

#include "core/base/file.h"
#include "tests/workers/fixture.h"
#include "tests/workers/wav.h"
#include "workers/audio_intake/audio_intake.h"
#include "workers/common/child/child_process.h"
#include "workers/common/child/computation.h"
#include "workers/common/wiring.h"
#include "workers/feature_engineering/compute_features.h"
#include "workers/feature_engineering/plan_features.h"
#include "workers/model_evaluation/model_evaluation.h"
#include "workers/model_training/model_training.h"
#include "workers/run_tracker/run_tracker.h"

enum { RATE_HZ = 16000, RECORDINGS = 12, FRAMES = 2 * RATE_HZ };

static const struct spira_child_settings settings = {
    .program = CHILD_PROGRAM, .grace_seconds = 5, .attempts = 1};

static struct fixture fixture;

static void expect_ok(enum spira_code code, const struct spira_error *err)
{
    cr_assert_eq(code, SPIRA_OK, "%s: %s", spira_code_name(code), err->message);
}

/* Two seconds of a voice of its own as WAV. */
static void put_voice(const char *name, size_t number)
{
    struct __attribute__((packed)) {
        struct wav_header header;
        int16_t samples[FRAMES];
    } wav = {.header = wav_header(RATE_HZ, FRAMES)};
    for (size_t i = 0; i < FRAMES; i++)
        wav.samples[i] = (int16_t)(9000 * sin((0.02 + 0.005 * (double)number) * (double)i) +
                                   4000 * sin((0.3 + 0.01 * (double)number) * (double)i));
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", fixture.inbox, name);
    expect_ok(spira_file_write(path, &wav, sizeof wav, &err), &err);
}

static void take_step(const struct spira_step *step, const struct spira_message *message)
{
    struct spira_error err = {0};
    struct spira_step_outcome outcome = {0};
    expect_ok(
        spira_step_run(&fixture.worker, step, message, (struct spira_progress){0}, &outcome, &err),
        &err);
    cr_assert_str_eq(outcome.status, "succeeded", "%s: %s", step->name, outcome.failure.message);
    cr_assert(outcome.computed);
    cr_assert_eq(outcome.attempts, fixture.worker.compute == spira_compute_in_child ? 1u : 0u);
}

/* Lets a step handle every message of the event it consumes, and the run tracker see what it said.
 */
static void take_steps(const struct spira_step *step, const char *said)
{
    size_t count = fixture_count(&fixture, step->consumes);
    cr_assert_gt(count, 0u, "no %s", step->consumes);
    for (size_t i = 0; i < count; i++)
        take_step(step, fixture_message(&fixture, step->consumes, i));
    struct spira_error err = {0};
    for (size_t i = 0; said && i < fixture_count(&fixture, said); i++) {
        bool applied = false;
        expect_ok(spira_run_tracker_handle(&fixture.worker, fixture_message(&fixture, said, i),
                                           &applied, &err),
                  &err);
        cr_assert(applied);
    }
}

static void collect(void)
{
    for (size_t i = 0; i < RECORDINGS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%02zu.wav", i);
        put_voice(name, i);
        struct spira_value *event = spira_value_map();
        spira_value_set_text(event, "recording_id", name);
        spira_value_set_text(event, "uri", name);
        spira_value_set_int(event, "label", (int64_t)i % 2);
        /* Two of each label in each role. */
        static const char *const roles[] = {"train", "validation", "test"};
        spira_value_set_text(event, "split", roles[i / 2 % 3]);
        take_step(&spira_audio_intake_step, fixture_emit(&fixture, "audio.collected", event));
    }
}

static void request(void)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set_text(event, "name", "small");
    spira_value_set(event, "manifest",
                    fixture_manifest(&fixture, "{'name': 'small', 'seed': 7,"
                                               " 'features': {'num_mels': 20, 'num_mfcc': 20},"
                                               " 'transform': {'overlap': {'window_seconds': 1,"
                                               "                           'step_seconds': 1}},"
                                               " 'model': {'name': 'spiraconv_v2', 'fc1_dim': 8},"
                                               " 'train': {'epochs': 2, 'batch_recordings': 2,"
                                               "           'checkpoint_interval': 1}}"));
    fixture_emit(&fixture, "run.requested", event);
    struct spira_error err = {0};
    bool applied = false;
    expect_ok(spira_run_tracker_handle(
                  &fixture.worker, fixture_message(&fixture, "run.requested", 0), &applied, &err),
              &err);
}

static bool add_object(void *context, const char *key, uint64_t size)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    (void)size;
    expect_ok(spira_store_get(fixture.worker.store, key, SIZE_MAX, &bytes, &err), &err);
    spira_value_set_text(
        context, key, spira_digest_bytes(fixture.worker.tools.digest, bytes.data, bytes.size).hex);
    return true;
}

/* Runs all up to the evaluation; gives the digest of each object of the store. */
static struct spira_value *run(spira_compute *compute, size_t threads)
{
    fixture_init(&fixture);
    fixture.worker.tools = spira_wire_tools(threads);
    fixture.worker.compute = compute;
    fixture.worker.child = &settings;
    collect();
    request();
    take_steps(&spira_plan_features_step, "features.requested");
    take_steps(&spira_compute_features_step, "features.computed");
    take_steps(&spira_model_training_step, "model.trained");
    take_steps(&spira_model_evaluation_step, "model.evaluated");
    struct spira_error err = {0};
    struct spira_value *objects = spira_value_map();
    expect_ok(spira_store_list(fixture.worker.store, "", add_object, objects, &err), &err);
    cr_assert(fixture_is_clean(&fixture));
    fixture_done(&fixture);
    return objects;
}

Test(child_pipeline, computes_the_same_bytes_as_threads)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *threads = run(spira_compute_in_thread, 1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *children = run(spira_compute_in_child, 2);
    cr_assert_gt(spira_value_count(threads), (size_t)2 * RECORDINGS);
    SPIRA_CLEANUP(spira_free_at)
    char *expected = spira_value_to_text(threads, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *found = spira_value_to_text(children, SPIRA_CANONICAL);
    cr_assert_str_eq(found, expected);
}

/* A program that is no worker stands for one that crashes before it can say anything. */
Test(child_pipeline, a_recording_that_crashes_every_child_is_rejected)
{
    static const struct spira_child_settings crashing = {.program = "/bin/false", .attempts = 3};
    struct spira_error err = {0};
    struct spira_step_outcome outcome = {0};
    fixture_init(&fixture);
    fixture.worker.compute = spira_compute_in_child;
    fixture.worker.child = &crashing;
    put_voice("a.wav", 1);
    const struct spira_message *message =
        fixture_emit(&fixture, "audio.collected",
                     fixture_value("{'recording_id': 'a', 'uri': 'a.wav', 'label': 1}"));
    expect_ok(spira_step_run(&fixture.worker, &spira_audio_intake_step, message,
                             (struct spira_progress){0}, &outcome, &err),
              &err);
    cr_assert_str_eq(outcome.status, "failed");
    cr_assert_eq(outcome.failure.code, SPIRA_ECRASHED);
    cr_assert_eq(outcome.attempts, 3u);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rejected = fixture_event(&fixture, "audio.rejected", 0);
    cr_assert_str_eq(spira_value_get_text(rejected, "reason", ""), "crashed");
    fixture_done(&fixture);
}
