#include "workers/feature_engineering/plan_features.h"

#include "core/base/file.h"
#include "core/dataset/corpus.h"
#include "core/dataset/plan.h"
#include "core/run/manifest.h"

static const char plan_name[] = "plan.json";

/* The events of the ranges a run's manifest names, on their way into its corpus. */
struct corpus_reader {
    const struct spira_worker *worker;
    struct spira_corpus_builder builder;
};

static enum spira_code add_event(void *context, const struct spira_message *message,
                                 struct spira_error *err)
{
    struct corpus_reader *reader = context;
    const char *event;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = spira_event_open(reader->worker, message, &event, &value, err);
    if (code == SPIRA_EINVALID) /* no event: it has its dead letter, of the run tracker's */
        return SPIRA_OK;
    if (code != SPIRA_OK)
        return code;
    enum spira_corpus_kind kind = strcmp(event, "audio.accepted") == 0   ? SPIRA_CORPUS_ACCEPTED
                                  : strcmp(event, "audio.rejected") == 0 ? SPIRA_CORPUS_REJECTED
                                                                         : SPIRA_CORPUS_WITHDRAWN;
    int64_t time_ms = spira_value_get_int(value, SPIRA_COLLECTED_AT, message->timestamp_ms);
    spira_corpus_add(&reader->builder, kind, value, time_ms, message->partition, message->offset);
    return SPIRA_OK;
}

/* Puts a corpus under the digest of what it says. Another text under that key is one that was
 * altered. */
static enum spira_code put_corpus(const struct spira_worker *worker,
                                  const struct spira_value *corpus,
                                  struct spira_value **ret_reference, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(corpus, SPIRA_CANONICAL);
    struct spira_sha256 sha256 = spira_digest_bytes(worker->tools.digest, text, strlen(text));
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("corpus/%s.json", sha256.hex);
    struct spira_error why;
    enum spira_code code =
        spira_document_put(worker->store, worker->tools.digest, key, corpus, ret_reference, &why);
    if (code == SPIRA_EDETERMINISM) {
        code = spira_store_remove(worker->store, key, &why);
        if (code == SPIRA_OK)
            code = spira_document_put(worker->store, worker->tools.digest, key, corpus,
                                      ret_reference, &why);
    }
    if (code != SPIRA_OK)
        *err = why;
    return code;
}

/* Reads the ranges, puts the corpus they make into the store and gives its reference. */
static enum spira_code read_corpus(const struct spira_worker *worker,
                                   const struct spira_value *manifest,
                                   struct spira_value **ret_reference, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = spira_manifest_corpus(manifest, &ranges, &count, err);
    struct corpus_reader reader = {.worker = worker};
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = spira_bus_read(worker->bus, &ranges[i], add_event, &reader, err);
    if (code == SPIRA_OK) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = spira_corpus_resolve(&reader.builder);
        code = put_corpus(worker, corpus, ret_reference, err);
    }
    spira_corpus_builder_done(&reader.builder);
    return code;
}

static enum spira_code prepare(struct spira_step_call *call, struct spira_error *err)
{
    static const char *const sections[] = {"audio", "features", "transform", "split"};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_manifest(call, &manifest, &config, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = NULL;
    code = read_corpus(call->worker, manifest, &corpus, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *configuration =
        spira_value_set(call->job.parameters, "configuration", spira_value_map());
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        spira_value_set(configuration, sections[i], spira_run_config_section(&config, sections[i]));
    spira_value_set(spira_value_get(configuration, "transform"), "mixture", spira_value_null());
    call->job.seed = config.seed;
    spira_job_input_reference(&call->job, "corpus.json", corpus, NULL);
    return SPIRA_OK;
}

static enum spira_code compute(const struct spira_job *job, const char *inputs, const char *outputs,
                               const struct spira_tools *tools, struct spira_progress progress,
                               struct spira_value **ret_result, struct spira_error *err)
{
    (void)progress; /* over before anybody looks */
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_read(tools, inputs, "corpus.json", &corpus, err);
    if (code == SPIRA_OK)
        code = spira_step_config(job, &config, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = NULL;
    code = spira_plan(corpus, &config, &plan, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", outputs, plan_name);
    code = spira_document_write(path, plan, err);
    if (code != SPIRA_OK)
        return code;
    *ret_result = spira_value_map();
    spira_value_set(*ret_result, "shards", spira_value_copy(spira_value_get(plan, "shards")));
    return SPIRA_OK;
}

static enum spira_code complete(struct spira_step_call *call, struct spira_error *err)
{
    const struct spira_value *shards = spira_value_get(call->result, "shards");
    const struct spira_value *plan = spira_artifact_file(call->artifact, plan_name);
    const char *run_id = spira_value_get_text(call->value, "run_id", "");
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(shards); i++) {
        struct spira_value *fields = spira_value_map();
        spira_value_set(fields, "shard", spira_value_copy(spira_value_at(shards, i)));
        spira_value_set_int(fields, "shards", (int64_t)spira_value_count(shards));
        spira_value_set(fields, "plan", spira_value_copy(plan));
        if (i == 0) /* once: of events in several partitions, none is surely read first */
            spira_step_set_execution(call, fields);
        code = spira_run_event_emit(call->worker, "features.requested", run_id, fields, err);
    }
    return code;
}

const struct spira_step spira_plan_features_step = {
    .name = "feature_engineering",
    .consumes = "run.requested",
    .version = 1,
    .prefix = "dataset",
    .prepare = prepare,
    .compute = compute,
    .complete = complete,
};
