/* The fan-out: which shards of a grown corpus are computed, and which are there already. */
#include "workers/feature_engineering/compute_features.h"

#include <criterion/criterion.h>
#include <sys/resource.h>

#include "adapters/plain/fourier_plain.h"
#include "adapters/safetensors/safetensors.h"
#include "core/base/random.h"
#include "core/dataset/plan.h"
#include "core/run/manifest.h"
#include "tests/workers/fixture.h"
#include "tests/workers/wav.h"
#include "workers/feature_engineering/plan_features.h"

enum { RATE_HZ = 4000, FRAMES = 400, MOST_SHARDS = 64 };

static const char configuration[] =
    "{'name': 'test', 'audio': {'sample_rate': 4000, 'min_seconds': 0.05},"
    " 'features': {'type': 'mfcc', 'n_fft': 64, 'win_length': 64, 'hop_length': 32,"
    "              'num_mels': 8, 'num_mfcc': 4},"
    " 'transform': {'noise': {'num_control': 1, 'num_patient': 1, 'copies': 2},"
    "               'overlap': null, 'padding': true}}";

static struct fixture fixture;
static struct spira_error err;

/* Accepts a recording of its own sound, and a patient. */
static void accept(int number, bool is_noise)
{
    struct {
        struct wav_header header;
        int16_t samples[FRAMES];
    } wav = {.header = wav_header(RATE_HZ, FRAMES)};
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_NOISE, (uint64_t)number, 0);
    for (size_t i = 0; i < FRAMES; i++)
        wav.samples[i] = (int16_t)(spira_random_u32(&random) >> 18);
    struct spira_sha256 sha256 = spira_digest_bytes(fixture.worker.tools.digest, &wav, sizeof wav);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("audio/sha256/%.2s/%s", sha256.hex, sha256.hex);
    cr_assert_eq(spira_store_put(fixture.worker.store, key, &wav, sizeof wav, &err), SPIRA_OK);
    struct spira_value *event = fixture_value("{'facts': {'format': 'wav', 'rate_hz': 4000, "
                                              "'channels': 1, 'frames': 400, 'seconds': 0.1}}");
    spira_value_set(event, "recording", spira_reference(key, sha256.hex, sizeof wav));
    spira_value_set_text(event, "role", is_noise ? "noise" : "speech");
    if (!is_noise)
        spira_value_set_int(event, "label", number % 2);
    fixture_emit(&fixture, "audio.accepted", event);
}

static void accept_all(int from, int to)
{
    for (int i = from; i < to; i++)
        accept(i, false);
}

static void setup(void)
{
    fixture_init(&fixture);
    fixture.worker.tools.fourier = spira_fourier_plain();
    fixture.worker.tools.tensors = spira_tensors_safetensors();
    accept(1000000, true);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(compute_features, .init = setup, .fini = teardown);

static struct spira_step_outcome take(const struct spira_step *step,
                                      const struct spira_message *message)
{
    struct spira_step_outcome outcome = {0};
    cr_assert_eq(
        spira_step_run(&fixture.worker, step, message, (struct spira_progress){0}, &outcome, &err),
        SPIRA_OK, "%s", err.message);
    cr_assert_str_neq(outcome.status, "failed", "%s", outcome.failure.message);
    return outcome;
}

/* The digests of the recordings in each shard of a plan, a text each. */
struct shards {
    char *recordings[MOST_SHARDS];
    size_t count, computed, reused;
};

static void shards_done(struct shards *shards)
{
    for (size_t i = 0; i < shards->count; i++)
        free(shards->recordings[i]);
}

/* Reads which recordings are in the shard a features.requested asks for. */
static char *recordings_of(const struct spira_value *requested)
{
    const struct spira_value *reference = spira_value_get(requested, "plan");
    const int64_t shard = spira_value_get_int(requested, "shard", -1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = fixture_document(&fixture, reference);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *file = spira_plan_reference(reference, spira_plan_shard(plan, shard));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *planned = fixture_document(&fixture, file);
    const struct spira_value *all = spira_value_get(planned, "recordings");
    char *text = spira_copy_text("");
    for (size_t i = 0; i < spira_value_count(all); i++) {
        char *longer =
            spira_format("%s %s", text, spira_value_get_text(spira_value_at(all, i), "sha256", ""));
        free(text);
        text = longer;
    }
    return text;
}

/* Plans a run over everything that was accepted and computes its shards. */
static struct shards run(void)
{
    struct shards shards = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *manifest = spira_manifest_key(RUN_ID);
    cr_assert_eq(spira_store_remove(fixture.worker.store, manifest, &err), SPIRA_OK);
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "manifest", fixture_manifest(&fixture, configuration));
    const size_t before = fixture_count(&fixture, "features.requested");
    take(&spira_plan_features_step, fixture_emit(&fixture, "run.requested", event));
    for (size_t i = before; i < fixture_count(&fixture, "features.requested"); i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *requested = fixture_event(&fixture, "features.requested", i);
        const struct spira_step_outcome outcome =
            take(&spira_compute_features_step, fixture_message(&fixture, "features.requested", i));
        shards.computed += outcome.computed;
        shards.reused += strcmp(outcome.status, "reused") == 0;
        cr_assert_lt(shards.count, (size_t)MOST_SHARDS);
        shards.recordings[shards.count++] = recordings_of(requested);
    }
    return shards;
}

static bool has(const struct shards *shards, const char *recordings)
{
    for (size_t i = 0; i < shards->count; i++)
        if (strcmp(shards->recordings[i], recordings) == 0)
            return true;
    return false;
}

Test(compute_features, ten_new_recordings_compute_only_the_shards_they_touch)
{
    accept_all(0, 300);
    SPIRA_CLEANUP(shards_done)
    struct shards first = run();
    cr_assert_gt(first.count, 12u);
    cr_assert_eq(first.computed, first.count);

    SPIRA_CLEANUP(shards_done)
    struct shards again = run();
    cr_assert_eq(again.reused, first.count);
    cr_assert_eq(again.computed, 0u);

    accept_all(300, 310);
    SPIRA_CLEANUP(shards_done)
    struct shards grown = run();
    size_t touched = 0;
    for (size_t i = 0; i < grown.count; i++)
        touched += !has(&first, grown.recordings[i]);
    cr_assert_gt(touched, 0u);
    cr_assert_leq(touched, 10u);
    cr_assert_eq(grown.computed, touched);
    cr_assert_eq(grown.reused, grown.count - touched);
}

/* Plans a run over 40 recordings: two shards. Gives the reference of the plan. */
static struct spira_value *plan_two_shards(void)
{
    accept_all(0, 40);
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set_text(event, "name", "test");
    spira_value_set(event, "manifest", fixture_manifest(&fixture, configuration));
    take(&spira_plan_features_step, fixture_emit(&fixture, "run.requested", event));
    cr_assert_eq(fixture_count(&fixture, "features.requested"), 2u);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *requested = fixture_event(&fixture, "features.requested", 0);
    return spira_value_copy(spira_value_get(requested, "plan"));
}

Test(compute_features, a_shard_needs_its_own_document_of_the_plan_and_no_other)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = plan_two_shards();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = fixture_document(&fixture, reference);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *second = fixture_event(&fixture, "features.requested", 1);
    const int64_t shard = spira_value_get_int(second, "shard", -1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *file = spira_plan_reference(reference, spira_plan_shard(plan, shard));
    const char *key = spira_value_get_text(file, "key", "");
    cr_assert_eq(spira_store_remove(fixture.worker.store, key, &err), SPIRA_OK);
    const struct spira_step_outcome first =
        take(&spira_compute_features_step, fixture_message(&fixture, "features.requested", 0));
    cr_assert(first.computed);
    struct spira_error failure = {0};
    struct spira_step_outcome outcome = {0};
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_compute_features_step,
                                fixture_message(&fixture, "features.requested", 1),
                                (struct spira_progress){0}, &outcome, &failure),
                 SPIRA_EALTERED, "no run tracker has told the state what makes it");
    cr_assert(strstr(failure.message, key), "%s", failure.message);
    /* Asked for again, the plan is made again. */
    take(&spira_plan_features_step, fixture_message(&fixture, "run.requested", 0));
    cr_assert(fixture_has(&fixture, key));
    take(&spira_compute_features_step, fixture_message(&fixture, "features.requested", 1));
}

Test(compute_features, a_shard_whose_file_would_be_too_large_fails_the_run_by_name)
{
    spira_value_free(plan_two_shards());
    const struct rlimit limit = {.rlim_cur = 3000, .rlim_max = RLIM_INFINITY};
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct spira_step_outcome outcome = {0};
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_compute_features_step,
                                fixture_message(&fixture, "features.requested", 0),
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_OK, "%s", err.message);
    /* What a process writes of its coverage at its end is larger. */
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    cr_assert_str_eq(outcome.status, "failed");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *requested = fixture_event(&fixture, "features.requested", 0);
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("shard %d: ", (int)spira_value_get_int(requested, "shard", -1));
    const char *message = spira_value_get_text(failed, "message", "");
    cr_assert(strstr(message, name), "%s", message);
    cr_assert(strstr(message, "more than the 3000 that a file may have"), "%s", message);
}

Test(compute_features, a_withdrawn_recording_computes_only_the_shard_it_was_in)
{
    accept_all(0, 200);
    SPIRA_CLEANUP(shards_done)
    struct shards first = run();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *accepted = fixture_event(&fixture, "audio.accepted", 17);
    struct spira_value *withdrawal = spira_value_map();
    const char *sha256 = spira_value_as_text(spira_value_find(accepted, "recording.sha256"), "");
    spira_value_set_text(withdrawal, "sha256", sha256);
    fixture_emit(&fixture, "audio.withdrawn", withdrawal);
    SPIRA_CLEANUP(shards_done)
    struct shards without = run();
    for (size_t i = 0; i < without.count; i++)
        cr_assert_null(strstr(without.recordings[i], sha256));
    cr_assert_eq(without.count, first.count);
    cr_assert_eq(without.computed, 1u);
    cr_assert_eq(without.reused, without.count - 1);
}
