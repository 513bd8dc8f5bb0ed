#include "workers/feature_engineering/plan_features.h"

#include <criterion/criterion.h>

#include "core/dataset/corpus_document.h"
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

static enum spira_code append_recording(void *recordings, enum spira_corpus_list list,
                                        struct spira_value *row, struct spira_error *why)
{
    (void)why;
    if (list == SPIRA_CORPUS_RECORDINGS)
        spira_value_append(recordings, row);
    else
        spira_value_free(row);
    return SPIRA_OK;
}

/* Plans a run of everything that was accepted, however that turns out. */
static struct spira_step_outcome plan(const char *configuration)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "manifest", fixture_manifest(&fixture, configuration));
    struct spira_step_outcome outcome = {0};
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_plan_features_step,
                                fixture_emit(&fixture, "run.requested", event),
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_OK, "%s", err.message);
    return outcome;
}

/* The recordings of the corpus. */
static struct spira_value *read_corpus(void)
{
    plan("{'name': 'test'}");
    SPIRA_CLEANUP(spira_free_at)
    char *key = NULL;
    cr_assert_eq(spira_store_list(fixture.worker.store, "corpus/", keep_corpus, &key, &err),
                 SPIRA_OK);
    cr_assert_not_null(key);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/corpus", fixture.worker.scratch);
    cr_assert_eq(spira_store_fetch(fixture.worker.store, key, path, &err), SPIRA_OK, "%s",
                 err.message);
    struct spira_value *recordings = spira_value_list();
    cr_assert_eq(
        spira_corpus_read(fixture.worker.tools.json, path, append_recording, recordings, &err),
        SPIRA_OK, "%s", err.message);
    return recordings;
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

/* A recording of its own for each number, and its name. */
static void accept_named(unsigned number, const char *recording_id, double seconds)
{
    static const char *const splits[] = {"train", "train", "validation", "test"};
    struct spira_value *event = fixture_value(
        "{'role': 'speech', 'recording': {'bytes': 1}, 'facts': {'format': 'wav', 'rate_hz': 16000,"
        " 'channels': 1, 'frames': 16000}}");
    struct spira_value *recording = spira_value_get(event, "recording");
    char sha256[65];
    snprintf(sha256, sizeof sha256, "%064x", number);
    spira_value_set_text(recording, "key", sha256);
    spira_value_set_text(recording, "sha256", sha256);
    spira_value_set_text(event, "recording_id", recording_id);
    spira_value_set_int(event, "label", number % 2);
    spira_value_set_text(event, "split", splits[number % 4]);
    spira_value_set_real(spira_value_get(event, "facts"), "seconds", seconds);
    fixture_emit(&fixture, "audio.accepted", event);
}

static void reject(const char *recording_id)
{
    struct spira_value *event = fixture_value("{'reason': 'silent', 'message': 'only silence'}");
    spira_value_set_text(event, "recording_id", recording_id);
    fixture_emit(&fixture, "audio.rejected", event);
}

static bool keep_excluded(void *context, const char *key, uint64_t size)
{
    (void)size;
    if (strstr(key, "/excluded.json"))
        *(char **)context = spira_copy_text(key);
    return true;
}

/* Plans, and gives the text of what stays out. */
static char *excluded(void)
{
    const struct spira_step_outcome outcome = plan(
        "{'name': 'test', 'transform': {'noise': null}, 'audio': {'max_quarantined_share': 1}}");
    cr_assert_str_eq(outcome.status, "succeeded", "%s", outcome.failure.message);
    SPIRA_CLEANUP(spira_free_at)
    char *key = NULL;
    cr_assert_eq(spira_store_list(fixture.worker.store, "dataset/", keep_excluded, &key, &err),
                 SPIRA_OK);
    cr_assert_not_null(key);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_store_get(fixture.worker.store, key, 10000, &bytes, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    cr_assert_eq(
        spira_config_parse(fixture.worker.tools.json, key, bytes.data, bytes.size, &document, &err),
        SPIRA_OK, "%s", err.message);
    return spira_value_to_text(document, SPIRA_CANONICAL);
}

Test(plan_features, what_stays_out_is_listed_in_the_order_of_the_corpus)
{
    for (unsigned i = 0; i < 4; i++)
        accept_named(i, "first", 1);
    accept_named(5, "short", 0.01);
    accept_named(3, "again", 1);
    reject("silent.wav");
    SPIRA_CLEANUP(spira_free_at)
    char *text = excluded();
    cr_assert_str_eq(
        text,
        "{\"duplicates\":[{\"message\":\"the same recording as again\",\"reason\":\"duplicate\","
        "\"recording_id\":\"first\"}],\"format\":1,\"quarantined\":[{\"message\":"
        "\"only silence\",\"reason\":\"silent\",\"recording_id\":\"silent.wav\"},{"
        "\"message\":\"0.010 s, shorter than the 0.500 s needed\",\"reason\":\"too_short\","
        "\"recording_id\":\"short\"}]}");
}

Test(plan_features, where_nothing_stays_out_both_lists_are_empty)
{
    for (unsigned i = 0; i < 4; i++)
        accept_named(i, "first", 1);
    SPIRA_CLEANUP(spira_free_at)
    char *text = excluded();
    cr_assert_str_eq(text, "{\"duplicates\":[],\"format\":1,\"quarantined\":[]}");
}

Test(plan_features, what_is_quarantined_alone_leaves_the_other_list_empty)
{
    for (unsigned i = 0; i < 4; i++)
        accept_named(i, "first", 1);
    reject("silent.wav");
    SPIRA_CLEANUP(spira_free_at)
    char *text = excluded();
    cr_assert(strstr(text, "{\"duplicates\":[],\"format\":1,\"quarantined\":[{\"message\""), "%s",
              text);
}
