#include "workers/run_tracker/fan_in.h"

#include "core/dataset/dataset.h"
#include "core/dataset/shard.h"
#include "core/run/manifest.h"

/* The artifacts of a run's shards, in the order of the plan. */
struct shards {
    struct spira_value **artifacts;
    const struct spira_value **files, **results; /* borrowed from artifacts */
    size_t count;
};

static void shards_done(struct shards *shards)
{
    for (size_t i = 0; i < shards->count; i++)
        spira_value_free(shards->artifacts[i]);
    free(shards->artifacts);
    free(shards->files);
    free(shards->results);
}

static enum spira_code read_shards(const struct spira_worker *worker,
                                   const struct spira_value *members,
                                   const struct spira_value *plan, struct shards *shards,
                                   struct spira_error *err)
{
    const struct spira_value *numbers = spira_value_get(plan, "shards");
    size_t count = spira_value_count(numbers);
    shards->artifacts = spira_alloc(count, sizeof *shards->artifacts);
    shards->files = spira_alloc(count, sizeof *shards->files);
    shards->results = spira_alloc(count, sizeof *shards->results);
    shards->count = count;
    for (size_t i = 0; i < count; i++) {
        int64_t number = spira_value_as_int(spira_value_at(numbers, i), -1);
        SPIRA_CLEANUP(spira_free_at)
        char *member = spira_format("%05jd", (intmax_t)number);
        const char *text = spira_value_get_text(members, member, "");
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *reference = NULL;
        enum spira_code code = spira_config_parse(worker->tools.json, "a shard's reference", text,
                                                  strlen(text), &reference, err);
        if (code == SPIRA_OK)
            code = spira_document_get(worker->store, worker->tools.digest, worker->tools.json,
                                      reference, &shards->artifacts[i], err);
        if (code != SPIRA_OK)
            return code;
        shards->files[i] = spira_artifact_file(shards->artifacts[i], spira_shard_name(number).text);
        shards->results[i] = spira_value_get(shards->artifacts[i], "result");
    }
    return SPIRA_OK;
}

static enum spira_code read_config(const struct spira_worker *worker, const char *run_id,
                                   struct spira_run_config *ret_config, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    enum spira_code code =
        spira_manifest_get(worker->store, worker->tools.json, run_id, &manifest, err);
    return code == SPIRA_OK ? spira_manifest_config(manifest, ret_config, err) : code;
}

/* Puts a document beside the plan. */
static enum spira_code put_beside(const struct spira_worker *worker,
                                  const struct spira_value *plan_reference, const char *name,
                                  const struct spira_value *document,
                                  struct spira_value **ret_reference, struct spira_error *err)
{
    const char *plan_key = spira_value_get_text(plan_reference, "key", "");
    const char *slash = strrchr(plan_key, '/');
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%.*s/%s", (int)(slash ? slash - plan_key : 0), plan_key, name);
    return spira_document_put(worker->store, worker->tools.digest, key, document, ret_reference,
                              err);
}

static enum spira_code assemble(const struct spira_worker *worker, const struct spira_value *event,
                                const struct spira_value *members, struct spira_value **ret_dataset,
                                struct spira_error *err)
{
    const struct spira_value *plan_reference = spira_value_get(event, "plan");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    SPIRA_CLEANUP(shards_done)
    struct shards shards = {0};
    enum spira_code code = spira_document_get(worker->store, worker->tools.digest,
                                              worker->tools.json, plan_reference, &plan, err);
    if (code == SPIRA_OK)
        code = read_config(worker, spira_value_get_text(event, "run_id", ""), &config, err);
    if (code == SPIRA_OK)
        code = read_shards(worker, members, plan, &shards, err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    if (code == SPIRA_OK)
        code = spira_dataset_assemble(plan, &config, shards.files, shards.results,
                                      worker->tools.digest, &dataset, &validation, err);
    struct spira_value *validation_reference = NULL;
    if (code == SPIRA_OK)
        code = put_beside(worker, plan_reference, "validation.json", validation,
                          &validation_reference, err);
    if (code != SPIRA_OK)
        return code;
    spira_value_set(dataset, "validation", validation_reference);
    return put_beside(worker, plan_reference, "dataset.json", dataset, ret_dataset, err);
}

enum spira_code spira_fan_in(const struct spira_worker *worker,
                             const struct spira_value *features_computed, struct spira_error *err)
{
    const char *run_id = spira_value_get_text(features_computed, "run_id", "");
    int64_t wanted = spira_value_get_int(features_computed, "shards", 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    enum spira_code code = spira_state_run(worker->state, run_id, &run, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_value *members = spira_value_find(run, "sets.shards");
    if ((int64_t)spira_value_count(members) != wanted)
        return SPIRA_OK;
    struct spira_value *dataset = NULL;
    code = assemble(worker, features_computed, members, &dataset, err);
    if (code != SPIRA_OK && spira_code_kind(code) != SPIRA_KIND_INVALID)
        return code;
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "run_id", run_id);
    if (code == SPIRA_OK) {
        spira_value_set(fields, "dataset", dataset);
        spira_value_set_int(fields, "shards", wanted);
        return spira_event_emit(worker, "features.completed", run_id, run_id, fields, err);
    }
    spira_value_set_text(fields, "step", "feature_engineering");
    spira_value_set_text(fields, "reason", spira_code_text(code));
    spira_value_set_text(fields, "message", err->message);
    return spira_event_emit(worker, "run.failed", run_id, run_id, fields, err);
}
