#include "workers/run_tracker/fan_in.h"

#include "core/dataset/dataset.h"
#include "core/dataset/plan.h"
#include "core/dataset/shard.h"
#include "core/run/manifest.h"
#include "workers/common/repair.h"
#include "workers/common/run_object.h"
#include "workers/common/scratch.h"

/* Of the dataset's documents: goes up when they change. */
enum { DATASET_VERSION = 1 };

static const char dataset_name[] = "dataset.json";
static const char validation_name[] = "validation.json";

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

/* Gives a document that was there when its event was emitted. SPIRA_EALTERED: it is not now, and
 * ret_lost (free with free()) is its key. */
static enum spira_code get_document(const struct spira_worker *worker,
                                    const struct spira_value *reference,
                                    struct spira_value **ret_document, char **ret_lost,
                                    struct spira_error *err)
{
    enum spira_code code = spira_document_get(worker->store, worker->tools.digest,
                                              worker->tools.json, reference, ret_document, err);
    if (code != SPIRA_ENOTFOUND && code != SPIRA_EALTERED)
        return code;
    *ret_lost = spira_copy_text(spira_value_get_text(reference, "key", ""));
    return err->code = SPIRA_EALTERED;
}

static enum spira_code read_shards(const struct spira_worker *worker,
                                   const struct spira_value *members,
                                   const struct spira_value *plan, struct shards *shards,
                                   char **ret_lost, struct spira_error *err)
{
    const struct spira_value *numbers = spira_value_get(plan, "shards");
    size_t count = spira_value_count(numbers);
    shards->artifacts = spira_alloc(count, sizeof *shards->artifacts);
    shards->files = spira_alloc(count, sizeof *shards->files);
    shards->results = spira_alloc(count, sizeof *shards->results);
    shards->count = count;
    for (size_t i = 0; i < count; i++) {
        int64_t number = spira_value_get_int(spira_value_at(numbers, i), "shard", -1);
        SPIRA_CLEANUP(spira_free_at)
        char *member = spira_format("%05jd", (intmax_t)number);
        const char *text = spira_value_get_text(members, member, "");
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *reference = NULL;
        enum spira_code code = spira_config_parse(worker->tools.json, "a shard's reference", text,
                                                  strlen(text), &reference, err);
        if (code == SPIRA_OK)
            code = get_document(worker, reference, &shards->artifacts[i], ret_lost, err);
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

/* What a dataset is made of. */
struct parts {
    const struct spira_value *plan_reference, *plan;
    const struct spira_run_config *config;
    const struct shards *shards;
};

/* Makes the job of a dataset's documents; sealed. */
static void make_job(const struct spira_worker *worker, const struct parts *parts,
                     struct spira_job *job)
{
    static const char *const sections[] = {"audio", "features", "transform", "split"};
    spira_job_init(job, "feature_engineering", DATASET_VERSION, "dataset");
    spira_value_set_text(job->parameters, "document", "dataset");
    struct spira_value *configuration =
        spira_value_set(job->parameters, "configuration", spira_value_map());
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        spira_value_set(configuration, sections[i],
                        spira_run_config_section(parts->config, sections[i]));
    spira_job_input_reference(job, "plan.json", parts->plan_reference, NULL);
    for (size_t i = 0; i < parts->shards->count; i++)
        spira_job_input_reference(job, "shard", parts->shards->files[i], NULL);
    spira_job_seal(job, worker->tools.digest);
}

/* Gives the document of a file that the plan names. */
static enum spira_code get_part(const struct spira_worker *worker, const struct parts *parts,
                                const struct spira_value *file, struct spira_value **ret_document,
                                char **ret_lost, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = spira_plan_reference(parts->plan_reference, file);
    return get_document(worker, reference, ret_document, ret_lost, err);
}

/* Reads the plan's documents one after the other: together they are as large as the corpus. */
static enum spira_code make_documents(const struct spira_worker *worker, const struct parts *parts,
                                      struct spira_value **ret_dataset,
                                      struct spira_value **ret_validation, char **ret_lost,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_dataset_builder_free_at)
    struct spira_dataset_builder *builder = spira_dataset_builder_new(parts->config);
    const struct spira_value *rows = spira_value_get(parts->plan, "shards");
    for (size_t i = 0; i < parts->shards->count; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *planned = NULL;
        enum spira_code code =
            get_part(worker, parts, spira_value_get(spira_value_at(rows, i), "file"), &planned,
                     ret_lost, err);
        if (code != SPIRA_OK)
            return code;
        spira_dataset_add_shard(builder, planned, parts->shards->files[i],
                                parts->shards->results[i]);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *excluded = NULL;
    enum spira_code code =
        get_part(worker, parts, spira_value_get(parts->plan, "excluded"), &excluded, ret_lost, err);
    return code == SPIRA_OK ? spira_dataset_finish(builder, excluded, worker->tools.digest,
                                                   ret_dataset, ret_validation, err)
                            : code;
}

/* Writes dataset.json and validation.json into folder; the first refers to the second. */
static enum spira_code write_documents(const struct spira_worker *worker,
                                       const struct spira_job *job, const struct parts *parts,
                                       const char *folder, char **ret_lost, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *validation_path = spira_format("%s/%s", folder, validation_name);
    SPIRA_CLEANUP(spira_free_at)
    char *dataset_path = spira_format("%s/%s", folder, dataset_name);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(job, validation_name);
    struct spira_sha256 sha256;
    uint64_t size;
    enum spira_code code = make_documents(worker, parts, &dataset, &validation, ret_lost, err);
    if (code == SPIRA_OK)
        code = spira_document_write(validation_path, validation, err);
    if (code == SPIRA_OK)
        code = spira_digest_file(worker->tools.digest, validation_path, &sha256, &size, err);
    if (code != SPIRA_OK)
        return code;
    spira_value_set(dataset, "validation", spira_reference(key, sha256.hex, size));
    return spira_document_write(dataset_path, dataset, err);
}

/* Finds the artifact of the dataset, or makes it. */
static enum spira_code obtain(const struct spira_worker *worker, const struct spira_job *job,
                              const struct parts *parts, struct spira_value **ret_artifact,
                              char **ret_lost, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_scratch_done)
    struct spira_scratch scratch = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = NULL;
    struct spira_artifacts artifacts = spira_worker_artifacts(worker);
    enum spira_code code = spira_scratch_make(worker, "run_tracker", &scratch, err);
    if (code == SPIRA_OK)
        code = spira_artifact_find(&artifacts, job, scratch.inputs, ret_artifact, &reference, err);
    if (code != SPIRA_OK || *ret_artifact)
        return code;
    code = write_documents(worker, job, parts, scratch.outputs, ret_lost, err);
    return code == SPIRA_OK ? spira_artifact_put(&artifacts, job, scratch.outputs, NULL,
                                                 spira_value_map(), ret_artifact, &reference, err)
                            : code;
}

/* Gives the reference of the run's dataset.json, or the key of what is lost of its parts. */
static enum spira_code assemble(const struct spira_worker *worker, const struct spira_value *event,
                                const struct spira_value *members, struct spira_value **ret_dataset,
                                char **ret_lost, struct spira_error *err)
{
    const struct spira_value *plan_reference = spira_value_get(event, "plan");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    SPIRA_CLEANUP(shards_done)
    struct shards shards = {0};
    SPIRA_CLEANUP(spira_job_done)
    struct spira_job job = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = NULL;
    enum spira_code code = get_document(worker, plan_reference, &plan, ret_lost, err);
    if (code == SPIRA_OK)
        code = read_config(worker, spira_value_get_text(event, "run_id", ""), &config, err);
    if (code == SPIRA_OK)
        code = read_shards(worker, members, plan, &shards, ret_lost, err);
    if (code != SPIRA_OK)
        return code;
    const struct parts parts = {plan_reference, plan, &config, &shards};
    make_job(worker, &parts, &job);
    code = obtain(worker, &job, &parts, &artifact, ret_lost, err);
    if (code == SPIRA_OK)
        *ret_dataset = spira_value_copy(spira_artifact_file(artifact, dataset_name));
    return code;
}

/* The shard of this event is what the run knows of it: computed twice it is the same. */
static enum spira_code check_member(const struct spira_value *members,
                                    const struct spira_value *features_computed,
                                    struct spira_error *err)
{
    int64_t shard = spira_value_get_int(features_computed, "shard", 0);
    SPIRA_CLEANUP(spira_free_at)
    char *member = spira_format("%05jd", (intmax_t)shard);
    SPIRA_CLEANUP(spira_free_at)
    char *found =
        spira_value_to_text(spira_value_get(features_computed, "artifact"), SPIRA_CANONICAL);
    if (strcmp(spira_value_get_text(members, member, ""), found) == 0)
        return SPIRA_OK;
    return spira_fail(err, SPIRA_EDETERMINISM,
                      "shard %jd was computed twice, and not to the same bytes: %s is not %s",
                      (intmax_t)shard, found, spira_value_get_text(members, member, ""));
}

static enum spira_code fail_run(const struct spira_worker *worker, const char *run_id,
                                const struct spira_error *why, struct spira_error *err)
{
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "step", "feature_engineering");
    spira_value_set_text(fields, "reason", spira_code_text(why->code));
    spira_event_set_message(fields, why->message);
    struct spira_value *execution = spira_value_set(fields, SPIRA_EXECUTION, spira_value_map());
    spira_value_set_text(execution, "status", "failed");
    return spira_run_event_emit(worker, "run.failed", run_id, fields, err);
}

/* Takes dataset. */
static enum spira_code complete(const struct spira_worker *worker, const char *run_id,
                                int64_t shards, struct spira_value *dataset,
                                struct spira_error *err)
{
    struct spira_value *fields = spira_value_map();
    spira_value_set(fields, "dataset", dataset);
    spira_value_set_int(fields, "shards", shards);
    return spira_run_event_emit(worker, "features.completed", run_id, fields, err);
}

enum spira_code spira_fan_in(const struct spira_worker *worker,
                             const struct spira_value *features_computed, struct spira_error *err)
{
    const char *run_id = spira_value_get_text(features_computed, "run_id", "");
    int64_t wanted = spira_value_get_int(features_computed, "shards", 0);
    size_t there = 0; /* asked first: a run of many shards is long to read for each of them */
    enum spira_code code = spira_state_set_size(worker->state, run_id, "shards", &there, err);
    if (code != SPIRA_OK || (int64_t)there != wanted)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    code = spira_state_run(worker->state, run_id, &run, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_value *members = spira_value_find(run, "sets.shards");
    if ((int64_t)spira_value_count(members) != wanted ||
        spira_run_is_over(spira_value_as_text(spira_value_find(run, "fields.state"), "")))
        return SPIRA_OK;
    struct spira_value *dataset = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *lost = NULL;
    struct spira_error why;
    code = check_member(members, features_computed, &why);
    if (code == SPIRA_OK)
        code = assemble(worker, features_computed, members, &dataset, &lost, &why);
    if (code == SPIRA_OK)
        return complete(worker, run_id, wanted, dataset, err);
    if (lost)
        return spira_repair(worker, run_id, lost, err);
    if (code == SPIRA_EDETERMINISM || spira_code_kind(code) == SPIRA_KIND_INVALID)
        return fail_run(worker, run_id, &why, err);
    *err = why;
    return code;
}
