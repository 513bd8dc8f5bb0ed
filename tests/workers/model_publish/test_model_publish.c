#include "workers/model_publish/model_publish.h"

#include <criterion/criterion.h>

#include "adapters/onnx/model_export_onnx.h"
#include "adapters/safetensors/safetensors.h"
#include "core/base/file.h"
#include "core/model/weights.h"
#include "tests/drawn_model.h"
#include "tests/workers/fixture.h"

#define CONFIGURATION                                                                              \
    "{'evaluation': {'threshold': 0.25}, "                                                         \
    "'publish': {'model': 'spira', 'gate': [{'metric': 'accuracy', 'at_least': 0.8}]}}"

#define VERSION "registry/spira/versions/000001/"

enum { MAX_BYTES = 1 << 20 };

static struct fixture fixture;
/* The trained model: the bytes of its weights, its description as text. */
static struct spira_bytes weights;
static char *description;

static void draw_model(void)
{
    struct spira_error err = {0};
    struct drawn_model drawn = drawn_model("spiraconv_v2", false, 3);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/weights", fixture.folder);
    cr_assert_eq(spira_weights_save(fixture.worker.tools.tensors, path, drawn.network, &err),
                 SPIRA_OK);
    cr_assert_eq(spira_file_read(path, MAX_BYTES, &weights, &err), SPIRA_OK);
    struct spira_value *document = spira_model_description_write(&drawn.description);
    description = spira_value_to_text(document, SPIRA_PRETTY);
    spira_value_free(document);
    spira_network_free(drawn.network);
}

static void setup(void)
{
    struct spira_error err = {0};
    fixture_init(&fixture);
    fixture.worker.tools.matrix = spira_matrix_plain();
    fixture.worker.tools.model_export = spira_model_export_onnx();
    fixture.worker.tools.tensors = spira_tensors_safetensors();
    draw_model();
    spira_value_free(fixture_manifest(&fixture, CONFIGURATION));
    cr_assert_eq(spira_store_put(fixture.worker.store, "models/k/model.safetensors", weights.data,
                                 weights.size, &err),
                 SPIRA_OK);
}

static void teardown(void)
{
    fixture_done(&fixture);
    spira_bytes_done(&weights);
    free(description);
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

/* The event model.evaluated of a model whose evaluation found this. */
static const struct spira_message *evaluated_as(const char *result)
{
    struct spira_value *files = spira_value_list();
    spira_value_append(
        files, spira_reference(
                   "models/k/model.safetensors",
                   spira_digest_bytes(fixture.worker.tools.digest, weights.data, weights.size).hex,
                   weights.size));
    spira_value_append(files, fixture_put(&fixture, "models/k/model.json", description));
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "dataset", fixture_put(&fixture, "dataset/d/dataset.json", "{}"));
    spira_value_set(event, "model", put_artifact("models/k/artifact.json", files, "{}"));
    spira_value_set(event, "artifact",
                    put_artifact("evaluations/e/artifact.json", spira_value_list(), result));
    return fixture_emit(&fixture, "model.evaluated", event);
}

/* That of a model with that accuracy. */
static const struct spira_message *evaluated(double accuracy)
{
    SPIRA_CLEANUP(spira_free_at)
    char *result = spira_format("{'digest': 'd', 'metrics': {'accuracy': %g}}", accuracy);
    return evaluated_as(result);
}

/* That of the second of two trainings, whose accuracy is another than that of both together. */
static const struct spira_message *evaluated_member(double own, double ensemble)
{
    SPIRA_CLEANUP(spira_free_at)
    char *result =
        spira_format("{'digest': 'd', 'metrics': {'accuracy': %g}, 'published_member': 1, "
                     "'published_metrics': {'accuracy': %g}, "
                     "'members': [{'member': 0, 'seed': 7}, {'member': 1, 'seed': 8}]}",
                     ensemble, own);
    return evaluated_as(result);
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

/* A file of the published version. */
static struct spira_bytes published_file(const char *name)
{
    struct spira_error err = {0};
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format(VERSION "%s", name);
    cr_assert_eq(spira_store_get(fixture.worker.store, key, MAX_BYTES, &bytes, &err), SPIRA_OK,
                 "%s", err.message);
    return bytes;
}

static void expect_file(const char *name, const struct spira_bytes *expected)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = published_file(name);
    cr_assert_eq(bytes.size, expected->size, "%s", name);
    cr_assert_eq(memcmp(bytes.data, expected->data, bytes.size), 0, "%s", name);
}

/* The model.json of the published version; freed by the caller. */
static struct spira_value *published_description(void)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = published_file("model.json");
    struct spira_value *value = NULL;
    cr_assert_eq(spira_config_parse(fixture.worker.tools.json, "model.json", bytes.data, bytes.size,
                                    &value, &err),
                 SPIRA_OK);
    return value;
}

Test(model_publish, a_model_that_passes_the_gate_gets_a_version)
{
    expect_status(evaluated(0.8), "succeeded");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *published = fixture_event(&fixture, "model.published", 0);
    cr_assert_not_null(published);
    cr_assert_eq(spira_value_get_int(published, "version", 0), 1);
    cr_assert_str_eq(spira_value_get_text(published, "name", ""), "spira");
    expect_file("model.safetensors", &weights);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *card = published_description();
    cr_assert_eq(spira_value_get_int(card, "frames", 0), DRAWN_FRAMES);
    cr_assert_eq(spira_value_as_real(spira_value_find(card, "metrics.accuracy"), 0), 0.8);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes onnx = published_file("model.onnx");
    cr_assert_str_eq(spira_value_as_text(spira_value_find(card, "published.onnx_sha256"), ""),
                     spira_digest_bytes(fixture.worker.tools.digest, onnx.data, onnx.size).hex);
}

/* The training does not know it: it depends on no threshold. */
Test(model_publish, the_threshold_is_that_of_the_runs_evaluation)
{
    expect_status(evaluated(0.8), "succeeded");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *card = published_description();
    struct spira_model_description read = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_model_description_read("model.json", card, &read, &err), SPIRA_OK);
    cr_assert_eq(read.threshold, 0.25);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes onnx = published_file("model.onnx");
    cr_assert(memmem(onnx.data, onnx.size, "\"threshold\":0.25", strlen("\"threshold\":0.25")));
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

Test(model_publish, a_published_file_that_was_altered_or_lost_is_put_back)
{
    static const char *const names[] = {"model.safetensors", "model.onnx"};
    const struct spira_message *message = evaluated(0.9);
    struct spira_error err;
    expect_status(message, "succeeded");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *key = spira_format(VERSION "%s", names[i]);
        SPIRA_CLEANUP(spira_bytes_done)
        struct spira_bytes whole = published_file(names[i]);
        spira_value_free(fixture_put(&fixture, key, "altered"));
        expect_status(message, "succeeded");
        expect_file(names[i], &whole);
        cr_assert_eq(spira_store_remove(fixture.worker.store, key, &err), SPIRA_OK);
        expect_status(message, "succeeded");
        expect_file(names[i], &whole);
        expect_status(message, "reused");
    }
}

/* Replaces the published model.json by one that says this of its model.onnx; "": nothing. */
static void record_onnx(const char *sha256)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *card = published_description();
    struct spira_value *published = spira_value_get(card, "published");
    spira_value_remove(published, "onnx_sha256");
    if (*sha256)
        spira_value_set_text(published, "onnx_sha256", sha256);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(card, SPIRA_PRETTY);
    spira_value_free(fixture_put(&fixture, VERSION "model.json", text));
}

Test(model_publish, a_version_from_before_model_onnx_gets_one)
{
    const struct spira_message *message = evaluated(0.9);
    struct spira_error err;
    expect_status(message, "succeeded");
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes onnx = published_file("model.onnx");
    cr_assert_eq(spira_store_remove(fixture.worker.store, VERSION "model.onnx", &err), SPIRA_OK);
    record_onnx("");
    expect_status(message, "succeeded");
    expect_file("model.onnx", &onnx);
    expect_status(message, "reused");
}

Test(model_publish, a_model_onnx_that_another_version_of_the_program_wrote_stays)
{
    const struct spira_message *message = evaluated(0.9);
    expect_status(message, "succeeded");
    struct spira_bytes other = {.data = "of another program", .size = 18};
    spira_value_free(fixture_put(&fixture, VERSION "model.onnx", other.data));
    record_onnx(spira_digest_bytes(fixture.worker.tools.digest, other.data, other.size).hex);
    expect_status(message, "reused");
    expect_file("model.onnx", &other);
}

Test(model_publish, a_publication_that_another_version_of_the_program_began_is_completed)
{
    struct spira_error err;
    cr_assert_eq(spira_store_put(fixture.worker.store, VERSION "model.safetensors", weights.data,
                                 weights.size, &err),
                 SPIRA_OK);
    spira_value_free(fixture_put(&fixture, VERSION "model.onnx", "of another program"));
    expect_status(evaluated(0.9), "succeeded");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *card = published_description();
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes onnx = published_file("model.onnx");
    cr_assert_str_eq(spira_value_as_text(spira_value_find(card, "published.onnx_sha256"), ""),
                     spira_digest_bytes(fixture.worker.tools.digest, onnx.data, onnx.size).hex);
}

Test(model_publish, the_gate_asks_for_the_published_member_and_not_for_the_ensemble)
{
    expect_status(evaluated_member(0.7, 0.9), "rejected");
    expect_status(evaluated_member(0.85, 0.7), "succeeded");
}

Test(model_publish, a_member_is_published_with_its_own_metrics_and_the_ensembles_beside)
{
    expect_status(evaluated_member(0.85, 0.9), "succeeded");
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_store_get(fixture.worker.store, "registry/spira/versions/000001/model.json",
                                 1 << 16, &bytes, &err),
                 SPIRA_OK);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *facts = NULL;
    cr_assert_eq(spira_config_parse(fixture.worker.tools.json, "facts", bytes.data, bytes.size,
                                    &facts, &err),
                 SPIRA_OK);
    cr_assert_eq(spira_value_as_real(spira_value_find(facts, "metrics.accuracy"), 0), 0.85);
    cr_assert_eq(spira_value_as_real(spira_value_find(facts, "ensemble.metrics.accuracy"), 0), 0.9);
    cr_assert_eq(spira_value_as_int(spira_value_find(facts, "ensemble.members"), 0), 2);
    cr_assert_eq(spira_value_as_int(spira_value_find(facts, "member.seed"), 0), 8);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes card = {0};
    cr_assert_eq(spira_store_get(fixture.worker.store, "registry/spira/versions/000001/README.md",
                                 1 << 16, &card, &err),
                 SPIRA_OK);
    cr_assert(strstr(card.data, "one of 2 trainings of its run, number 1"));
    cr_assert(strstr(card.data, "| accuracy | 0.8500 |"));
}
