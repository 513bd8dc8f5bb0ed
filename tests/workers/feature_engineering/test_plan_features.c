#include "workers/feature_engineering/plan_features.h"

#include <criterion/criterion.h>

#include "tests/workers/fixture.h"

static struct fixture fixture;
static struct spira_error err;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(plan_features, .init = setup, .fini = teardown);

static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/* The same recording again, with this label and, unless negative, this time. */
static void accept_recording(int label, int64_t collected_at)
{
    struct spira_value *event =
        fixture_value("{'recording_id': 'a.wav', 'role': 'speech', 'recording': {'bytes': 1}, "
                      "'facts': {'format': 'wav', 'rate_hz': 16000, 'channels': 1, "
                      "'frames': 16000, 'seconds': 1.0}}");
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("audio/sha256/%.2s/%s", digest, digest);
    spira_value_set_text(spira_value_get(event, "recording"), "key", key);
    spira_value_set_text(spira_value_get(event, "recording"), "sha256", digest);
    spira_value_set_int(event, "label", label);
    if (collected_at >= 0)
        spira_value_set_int(event, SPIRA_COLLECTED_AT, collected_at);
    fixture_emit(&fixture, "audio.accepted", event);
}

static bool keep_corpus(void *context, const char *key, uint64_t size)
{
    (void)size;
    *(char **)context = spira_copy_text(key);
    return false;
}

/* The recordings of the corpus, however the run's plan turns out. */
static struct spira_value *read_corpus(void)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "manifest", fixture_manifest(&fixture, "{'name': 'test'}"));
    struct spira_step_outcome outcome = {0};
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_plan_features_step,
                                fixture_emit(&fixture, "run.requested", event),
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *key = NULL;
    cr_assert_eq(spira_store_list(fixture.worker.store, "corpus/", keep_corpus, &key, &err),
                 SPIRA_OK);
    cr_assert_not_null(key);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = NULL;
    cr_assert_eq(spira_store_get(fixture.worker.store, key, 10000, &bytes, &err), SPIRA_OK);
    cr_assert_eq(
        spira_config_parse(fixture.worker.tools.json, key, bytes.data, bytes.size, &corpus, &err),
        SPIRA_OK);
    return spira_value_copy(spira_value_get(corpus, "recordings"));
}

static int64_t label_in_corpus(void)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *recordings = read_corpus();
    return spira_value_get_int(spira_value_at(recordings, 0), "label", -1);
}

Test(plan_features, what_was_collected_later_counts_though_it_was_taken_in_earlier)
{
    accept_recording(1, 1700000000001);
    spira_clock_memory_advance(&fixture.clock, 1000);
    accept_recording(0, 1700000000000);
    cr_assert_eq(label_in_corpus(), 1);
}

Test(plan_features, without_that_time_the_bus_says_which_is_newer)
{
    accept_recording(1, -1);
    spira_clock_memory_advance(&fixture.clock, 1000);
    accept_recording(0, -1);
    cr_assert_eq(label_in_corpus(), 0);
}

Test(plan_features, what_is_no_event_is_no_part_of_the_corpus)
{
    const struct spira_message garbage = {
        .topic = "test.audio.accepted", .key = "a.wav", .value = "\xc1", .size = 1};
    cr_assert_eq(spira_bus_send(fixture.worker.bus, &garbage, &err), SPIRA_OK, "%s", err.message);
    accept_recording(1, -1);
    cr_assert_eq(label_in_corpus(), 1);
}

Test(plan_features, what_was_withdrawn_is_in_no_later_corpus)
{
    struct spira_value *withdrawal = spira_value_map();
    accept_recording(1, -1);
    spira_value_set_text(withdrawal, "sha256", digest);
    fixture_emit(&fixture, "audio.withdrawn", withdrawal);
    accept_recording(1, -1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *recordings = read_corpus();
    cr_assert_eq(spira_value_count(recordings), 0);
}
