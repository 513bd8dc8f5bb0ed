#include "workers/model_publish/model_publish.h"

#include "core/publish/gate.h"
#include "core/publish/registry.h"
#include "workers/common/step/stored_model.h"

static const char weights_name[] = "model.safetensors";
static const char onnx_name[] = "model.onnx";
static const char description_name[] = "model.json";

/* The metrics of the model that is published: of several, its own, not the ensemble's. */
static const struct spira_value *metrics_of(const struct spira_value *evaluation)
{
    const struct spira_value *own = spira_value_find(evaluation, "result.published_metrics");
    return own ? own : spira_value_find(evaluation, "result.metrics");
}

/* Which of a run's several trainings the model is, and how good all of them together are. */
static void describe_member(const struct spira_value *evaluation, struct spira_value *facts)
{
    static const char *const copied[] = {"member", "fold", "folds", "seed"};
    const struct spira_value *result = spira_value_get(evaluation, "result");
    const struct spira_value *members = spira_value_get(result, "members");
    if (!members)
        return;
    size_t number = (size_t)spira_value_get_int(result, "published_member", 0);
    const struct spira_value *row = spira_value_at(members, number);
    struct spira_value *member = spira_value_set(facts, "member", spira_value_map());
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        if (spira_value_get(row, copied[i]))
            spira_value_set(member, copied[i], spira_value_copy(spira_value_get(row, copied[i])));
    struct spira_value *ensemble = spira_value_set(facts, "ensemble", spira_value_map());
    spira_value_set_int(ensemble, "members", (int64_t)spira_value_count(members));
    spira_value_set(ensemble, "metrics", spira_value_copy(spira_value_get(result, "metrics")));
}

/* What model.json of the published version says: the model's own description, the threshold it was
 * evaluated at (no training depends on that), how good it is, and which run's settings made it. */
static struct spira_value *describe(const struct spira_value *description,
                                    const struct spira_value *evaluation,
                                    const struct spira_run_config *config)
{
    struct spira_value *facts = spira_value_copy(description);
    spira_value_set(spira_value_get(facts, "configuration"), "evaluation",
                    spira_run_config_section(config, "evaluation"));
    spira_value_set_text(facts, "name", config->name);
    spira_value_set_int(facts, "seed", (int64_t)config->seed);
    spira_value_set(facts, "metrics", spira_value_copy(metrics_of(evaluation)));
    spira_value_set(facts, "evaluation",
                    spira_value_copy(spira_value_find(evaluation, "result.digest")));
    describe_member(evaluation, facts);
    return facts;
}

static enum spira_code read_description(struct spira_step_call *call,
                                        const struct spira_value *training,
                                        struct spira_value **ret_description,
                                        struct spira_error *err)
{
    const struct spira_value *file = spira_artifact_file(training, description_name);
    enum spira_code code =
        spira_step_fetch(call, description_name, spira_value_get_text(file, "key", ""),
                         spira_value_get_text(file, "sha256", ""), err);
    return code == SPIRA_OK ? spira_step_read(&call->worker->tools, call->inputs, description_name,
                                              ret_description, err)
                            : code;
}

/* Result: {"model", "sha256", "key", "facts"}. Nothing is computed here. SPIRA_EREJECTED: the gate
 * says no. */
static enum spira_code prepare(struct spira_step_call *call, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *training = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *description = NULL;
    enum spira_code code = spira_step_manifest(call, &manifest, &config, err);
    if (code == SPIRA_OK)
        code = spira_step_document(call, "model", &training, err);
    if (code == SPIRA_OK)
        code = spira_step_document(call, "artifact", &evaluation, err);
    if (code == SPIRA_OK)
        code = spira_gate_check(config.gates, config.gate_count, metrics_of(evaluation), err);
    if (code == SPIRA_OK)
        code = read_description(call, training, &description, err);
    if (code != SPIRA_OK)
        return code;
    call->result = spira_value_map();
    const struct spira_value *weights = spira_artifact_file(training, weights_name);
    spira_value_set_text(call->result, "model", config.publish_model);
    spira_value_set_text(call->result, "sha256", spira_value_get_text(weights, "sha256", ""));
    spira_value_set_text(call->result, "key", spira_value_get_text(weights, "key", ""));
    spira_value_set(call->result, "facts", describe(description, evaluation, &config));
    return SPIRA_OK;
}

/* Whether a version of the model with this digest is published already. */
static enum spira_code find_version(const struct spira_registry *registry, const char *model,
                                    const char *sha256, bool *ret_found, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *versions = NULL;
    enum spira_code code = spira_registry_list(registry, model, &versions, err);
    if (code != SPIRA_OK)
        return code;
    *ret_found = false;
    for (size_t i = 0; i < spira_value_count(versions); i++)
        if (strcmp(spira_value_as_text(
                       spira_value_find(spira_value_at(versions, i), "published.sha256"), ""),
                   sha256) == 0)
            *ret_found = true;
    return SPIRA_OK;
}

/* Puts the file of a version there once more, when it is gone or altered: when its digest is
 * neither that of path nor the one it was published with (recorded, which may be ""). */
static enum spira_code mend(struct spira_step_call *call, const char *key, const char *path,
                            const char *sha256, const char *recorded, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *copy = spira_format("%s.published", path);
    struct spira_error why;
    struct spira_sha256 found = {""};
    enum spira_code code = spira_store_fetch(call->worker->store, key, copy, &why);
    if (code == SPIRA_OK)
        code = spira_digest_file(call->worker->tools.digest, copy, &found, NULL, &why);
    if (code == SPIRA_OK && (strcmp(found.hex, sha256) == 0 || strcmp(found.hex, recorded) == 0))
        return SPIRA_OK;
    if (code == SPIRA_OK || code == SPIRA_ENOTFOUND)
        code = spira_store_remove(call->worker->store, key, &why);
    if (code == SPIRA_OK)
        code = spira_store_put_file(call->worker->store, key, path, &why);
    if (code != SPIRA_OK)
        *err = why;
    else
        call->status = "succeeded";
    return code;
}

/* Both files of a published version. Another version of this program may have written its
 * model.onnx, with other bytes; versions older than model.onnx get one. */
static enum spira_code mend_version(struct spira_step_call *call,
                                    const struct spira_registry *registry,
                                    const struct spira_publication *published, int64_t version,
                                    struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *weights_key = spira_registry_key(published->model, version, weights_name);
    SPIRA_CLEANUP(spira_free_at)
    char *onnx_key = spira_registry_key(published->model, version, onnx_name);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    enum spira_code code = spira_registry_show(registry, published->model, version, &manifest, err);
    if (code == SPIRA_OK)
        code = mend(call, weights_key, published->path, published->sha256, "", err);
    if (code != SPIRA_OK)
        return code;
    const char *recorded =
        spira_value_as_text(spira_value_find(manifest, "published.onnx_sha256"), "");
    return mend(call, onnx_key, published->onnx_path, published->onnx_sha256, recorded, err);
}

/* Brings the weights and exports them: publication's two files. */
static enum spira_code make_files(struct spira_step_call *call, const char *sha256,
                                  const char *weights, const char *onnx,
                                  struct spira_sha256 *ret_onnx_sha256, struct spira_error *err)
{
    const struct spira_tools *tools = &call->worker->tools;
    SPIRA_CLEANUP(spira_free_at)
    char *published = spira_format("%s/published.json", call->inputs);
    enum spira_code code = spira_step_fetch(
        call, weights_name, spira_value_get_text(call->result, "key", ""), sha256, err);
    if (code == SPIRA_OK)
        code = spira_document_write(published, spira_value_get(call->result, "facts"), err);
    if (code == SPIRA_OK)
        code = spira_stored_model_export(tools, weights, published, onnx, NULL, err);
    return code == SPIRA_OK ? spira_digest_file(tools->digest, onnx, ret_onnx_sha256, NULL, err)
                            : code;
}

static enum spira_code publish(struct spira_step_call *call, const struct spira_registry *registry,
                               int64_t *ret_version, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *weights = spira_format("%s/%s", call->inputs, weights_name);
    SPIRA_CLEANUP(spira_free_at)
    char *onnx = spira_format("%s/%s", call->inputs, onnx_name);
    struct spira_sha256 onnx_sha256 = {""};
    const struct spira_publication publication = {
        .model = spira_value_get_text(call->result, "model", ""),
        .path = weights,
        .sha256 = spira_value_get_text(call->result, "sha256", ""),
        .onnx_path = onnx,
        .onnx_sha256 = onnx_sha256.hex,
        .facts = spira_value_get(call->result, "facts"),
    };
    bool found;
    enum spira_code code =
        find_version(registry, publication.model, publication.sha256, &found, err);
    if (code != SPIRA_OK)
        return code;
    if (found)
        call->status = "reused";
    code = make_files(call, publication.sha256, weights, onnx, &onnx_sha256, err);
    if (code == SPIRA_OK)
        code = spira_registry_publish(registry, &publication, ret_version, err);
    return code == SPIRA_OK ? mend_version(call, registry, &publication, *ret_version, err) : code;
}

static enum spira_code complete(struct spira_step_call *call, struct spira_error *err)
{
    const struct spira_registry registry = {.store = call->worker->store,
                                            .digest = call->worker->tools.digest,
                                            .json = call->worker->tools.json};
    const char *model = spira_value_get_text(call->result, "model", "");
    int64_t version = 0;
    enum spira_code code = publish(call, &registry, &version, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_registry_key(model, version, weights_name);
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "name", model);
    spira_value_set_int(fields, "version", version);
    spira_value_set_text(fields, "sha256", spira_value_get_text(call->result, "sha256", ""));
    spira_value_set_text(fields, "key", key);
    return spira_step_emit(call, "model.published", fields, err);
}

const struct spira_step spira_model_publish_step = {
    .name = "model_publish",
    .consumes = "model.evaluated",
    .version = 1,
    .prepare = prepare,
    .complete = complete,
};
