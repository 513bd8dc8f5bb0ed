#include "workers/run_tracker/fan_in.h"

#include "core/dataset/dataset.h"
#include "core/dataset/plan.h"
#include "core/dataset/shard.h"
#include "workers/common/step/scratch.h"
#include "workers/run_tracker/fan_in_parts.h"

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
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *reference = NULL;
        enum spira_code code = spira_fan_in_reference(worker, members, number, &reference, err);
        if (code == SPIRA_OK)
            code = spira_fan_in_document(worker, reference, &shards->artifacts[i], ret_lost, err);
        if (code != SPIRA_OK)
            return code;
        shards->files[i] = spira_artifact_file(shards->artifacts[i], spira_shard_name(number).text);
        shards->results[i] = spira_value_get(shards->artifacts[i], "result");
    }
    return SPIRA_OK;
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
    return spira_fan_in_document(worker, reference, ret_document, ret_lost, err);
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
    enum spira_code code = spira_fan_in_document(worker, plan_reference, &plan, ret_lost, err);
    if (code == SPIRA_OK)
        code = spira_fan_in_config(worker, spira_value_get_text(event, "run_id", ""), &config, err);
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
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *members = NULL;
    enum spira_code code = spira_fan_in_parts(worker, run_id, "shards", wanted, &members, err);
    if (code != SPIRA_OK || !members)
        return code;
    struct spira_value *dataset = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *lost = NULL;
    struct spira_error why;
    code = spira_fan_in_check(members, "shard", features_computed, &why);
    if (code == SPIRA_OK)
        code = assemble(worker, features_computed, members, &dataset, &lost, &why);
    if (code == SPIRA_OK)
        return complete(worker, run_id, wanted, dataset, err);
    return spira_fan_in_settle(worker, run_id, "feature_engineering", lost, &why, err);
}
