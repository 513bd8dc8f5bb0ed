#include "workers/model_publish/model_publish.h"

#include <criterion/criterion.h>

#include "tests/workers/fixture.h"

#define GATE "{'publish': {'model': 'spira', 'gate': [{'metric': 'accuracy', 'at_least': 0.8}]}}"

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
    spira_value_free(fixture_manifest(&fixture, GATE));
    spira_value_free(fixture_put(&fixture, "models/k/model.safetensors", "weights"));
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(model_publish, .init = setup, .fini = teardown);

/* Puts an artifact with these files (taken) and gives its reference. */
static struct spira_value *put_artifact(const char *key, struct spira_value *files,
                                        const char *result)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = spira_value_map();
    spira_value_set(artifact, "files", files);
    spira_value_set(artifact, "result", fixture_value(result));
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(artifact, SPIRA_COMPACT);
    return fixture_put(&fixture, key, text);
}

/* The event model.evaluated of a model with that accuracy. */
static const struct spira_message *evaluated(double accuracy)
{
    struct spira_value *files = spira_value_list();
    spira_value_append(files, fixture_put(&fixture, "models/k/model.safetensors", "weights"));
    spira_value_append(files, fixture_put(&fixture, "models/k/model.json", "{\"frames\": 401}"));
    SPIRA_CLEANUP(spira_free_at)
    char *result = spira_format("{'digest': 'd', 'metrics': {'accuracy': %g}}", accuracy);
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "dataset", fixture_put(&fixture, "dataset/d/dataset.json", "{}"));
    spira_value_set(event, "model", put_artifact("models/k/artifact.json", files, "{}"));
    spira_value_set(event, "artifact",
                    put_artifact("evaluations/e/artifact.json", spira_value_list(), result));
    return fixture_emit(&fixture, "model.evaluated", event);
}

static void expect_status(const struct spira_message *message, const char *status)
{
    struct spira_step_outcome outcome = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_step_run(&fixture.worker, &spira_model_publish_step, message,
                                (struct spira_progress){0}, &outcome, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(outcome.status, status);
    cr_assert(fixture_is_clean(&fixture));
}

static void expect_weights(void)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_store_get(fixture.worker.store,
                                 "registry/spira/versions/000001/model.safetensors", 100, &bytes,
                                 &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(bytes.data, "weights");
}

Test(model_publish, a_model_that_passes_the_gate_gets_a_version)
{
    expect_status(evaluated(0.8), "succeeded");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *published = fixture_event(&fixture, "model.published", 0);
    cr_assert_not_null(published);
    cr_assert_eq(spira_value_get_int(published, "version", 0), 1);
    cr_assert_str_eq(spira_value_get_text(published, "name", ""), "spira");
    expect_weights();
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes card = {0};
    cr_assert_eq(spira_store_get(fixture.worker.store, "registry/spira/versions/000001/model.json",
                                 1 << 16, &card, &err),
                 SPIRA_OK);
    cr_assert(strstr(card.data, "\"frames\": 401"));
    cr_assert(strstr(card.data, "\"accuracy\": 0.8"));
}

Test(model_publish, a_model_below_the_gate_is_rejected_and_not_published)
{
    expect_status(evaluated(0.79), "rejected");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    cr_assert_not_null(failed);
    cr_assert(spira_value_get_bool(failed, "rejected", false));
    cr_assert(strstr(spira_value_get_text(failed, "message", ""), "accuracy"));
    cr_assert_eq(fixture_count(&fixture, "model.published"), 0u);
    cr_assert_eq(fixture_keys(&fixture, "registry/"), 0u);
}

Test(model_publish, a_model_that_is_published_keeps_its_version_and_is_said_again)
{
    const struct spira_message *message = evaluated(0.9);
    expect_status(message, "succeeded");
    size_t keys = fixture_keys(&fixture, "registry/");
    expect_status(message, "reused");
    cr_assert_eq(fixture_keys(&fixture, "registry/"), keys);
    const char *ids[2];
    for (size_t i = 0; i < 2; i++)
        ids[i] = spira_message_header(fixture_message(&fixture, "model.published", i), "ce_id");
    cr_assert_str_eq(ids[0], ids[1]);
}

Test(model_publish, published_weights_that_were_altered_or_lost_are_put_back)
{
    static const char key[] = "registry/spira/versions/000001/model.safetensors";
    const struct spira_message *message = evaluated(0.9);
    struct spira_error err;
    expect_status(message, "succeeded");
    spira_value_free(fixture_put(&fixture, key, "altered"));
    expect_status(message, "succeeded");
    expect_weights();
    cr_assert_eq(spira_store_remove(fixture.worker.store, key, &err), SPIRA_OK);
    expect_status(message, "succeeded");
    expect_weights();
    expect_status(message, "reused");
}
