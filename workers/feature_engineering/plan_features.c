#include "workers/feature_engineering/plan_features.h"

#include "core/base/file.h"
#include "core/dataset/corpus_document.h"
#include "core/dataset/plan.h"
#include "core/run/manifest.h"

static const char plan_name[] = "plan.json";
static const char corpus_name[] = "corpus.json";
static const char excluded_name[] = "excluded.json";

/* The events of the ranges a run's manifest names, on their way into its corpus. */
struct corpus_reader {
    const struct spira_worker *worker;
    struct spira_corpus_builder *builder;
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
    const struct spira_corpus_event audio = {
        .kind = kind,
        .value = value,
        .time_ms = spira_value_get_int(value, SPIRA_COLLECTED_AT, message->timestamp_ms),
        .partition = message->partition,
        .offset = message->offset,
    };
    return spira_corpus_add(reader->builder, &audio, err);
}

static enum spira_code write_corpus(void *builder, FILE *out, struct spira_error *err)
{
    return spira_corpus_write(builder, out, err);
}

/* Puts the corpus at path under its digest. Other bytes under that key were altered. */
static enum spira_code put_corpus(const struct spira_worker *worker, const char *path,
                                  struct spira_value **ret_reference, struct spira_error *err)
{
    struct spira_sha256 sha256;
    uint64_t size;
    enum spira_code code = spira_digest_file(worker->tools.digest, path, &sha256, &size, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("corpus/%s.json", sha256.hex);
    struct spira_error why;
    code = spira_store_put_file(worker->store, key, path, &why);
    if (code == SPIRA_EDETERMINISM) {
        code = spira_store_remove(worker->store, key, &why);
        if (code == SPIRA_OK)
            code = spira_store_put_file(worker->store, key, path, &why);
    }
    if (code != SPIRA_OK) {
        *err = why;
        return code;
    }
    *ret_reference = spira_reference(key, sha256.hex, size);
    return SPIRA_OK;
}

/* Reads the ranges into the corpus they make: an input of the call, and an object of the store
 * whose reference it gives. */
static enum spira_code read_corpus(const struct spira_step_call *call,
                                   const struct spira_value *manifest,
                                   struct spira_value **ret_reference, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", call->inputs, corpus_name);
    SPIRA_CLEANUP(spira_corpus_builder_free_at)
    struct spira_corpus_builder *builder = spira_corpus_builder_new(call->folder);
    struct corpus_reader reader = {.worker = call->worker, .builder = builder};
    enum spira_code code = spira_manifest_corpus(manifest, &ranges, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = spira_bus_read(call->worker->bus, &ranges[i], add_event, &reader, err);
    if (code == SPIRA_OK)
        code = spira_file_write_by(path, write_corpus, builder, err);
    return code == SPIRA_OK ? put_corpus(call->worker, path, ret_reference, err) : code;
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
    code = read_corpus(call, manifest, &corpus, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *configuration =
        spira_value_set(call->job.parameters, "configuration", spira_value_map());
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        spira_value_set(configuration, sections[i], spira_run_config_section(&config, sections[i]));
    spira_value_set(spira_value_get(configuration, "transform"), "mixture", spira_value_null());
    if (config.train.folds > 0)
        spira_value_set_int(spira_value_set(configuration, "train", spira_value_map()), "folds",
                            (int64_t)config.train.folds);
    call->job.seed = config.seed;
    spira_job_input_reference(&call->job, corpus_name, corpus, NULL);
    return SPIRA_OK;
}

/* A plan on its way into the output folder. */
struct plan_writer {
    const char *inputs, *outputs;
    const struct spira_tools *tools;
    struct spira_planner *planner;
    FILE *excluded;                 /* excluded.json, which is written as the corpus is read */
    enum spira_plan_exclusion list; /* of it, that is open */
    size_t rows;                    /* in that list */
};

static void plan_writer_done(struct plan_writer *writer)
{
    spira_planner_free(writer->planner);
}

/* Gives {"name", "sha256", "bytes"} of a file in the output folder. */
static enum spira_code describe_file(const struct plan_writer *writer, const char *name,
                                     struct spira_value **ret_file, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", writer->outputs, name);
    struct spira_sha256 sha256;
    uint64_t size;
    enum spira_code code = spira_digest_file(writer->tools->digest, path, &sha256, &size, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *file = spira_value_map();
    spira_value_set_text(file, "name", name);
    spira_value_set_text(file, "sha256", sha256.hex);
    spira_value_set_int(file, "bytes", (int64_t)size);
    *ret_file = file;
    return SPIRA_OK;
}

static enum spira_code put_document(void *context, const char *name,
                                    const struct spira_value *document,
                                    struct spira_value **ret_file, struct spira_error *err)
{
    const struct plan_writer *writer = context;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", writer->outputs, name);
    enum spira_code code = spira_document_write(path, document, err);
    return code == SPIRA_OK ? describe_file(writer, name, ret_file, err) : code;
}

static void begin_list(struct plan_writer *writer, enum spira_plan_exclusion list)
{
    fputs(list == SPIRA_PLAN_DUPLICATE ? "{\"format\": 1,\n\"duplicates\": ["
                                       : "],\n\"quarantined\": [",
          writer->excluded);
    writer->list = list;
    writer->rows = 0;
}

static void exclude(void *context, enum spira_plan_exclusion list, const struct spira_value *note)
{
    struct plan_writer *writer = context;
    if (list != writer->list)
        begin_list(writer, list);
    fputs(writer->rows++ ? ",\n" : "\n", writer->excluded);
    spira_value_write(note, SPIRA_COMPACT, writer->excluded);
}

/* Lets the planner read the corpus, and writes what it excludes. */
static enum spira_code plan_corpus(void *context, FILE *out, struct spira_error *err)
{
    struct plan_writer *writer = context;
    SPIRA_CLEANUP(spira_free_at)
    char *corpus_path = spira_format("%s/%s", writer->inputs, corpus_name);
    writer->excluded = out;
    begin_list(writer, SPIRA_PLAN_DUPLICATE);
    enum spira_code code = spira_corpus_read(writer->tools->json, corpus_path, spira_planner_add,
                                             writer->planner, err);
    if (writer->list == SPIRA_PLAN_DUPLICATE)
        begin_list(writer, SPIRA_PLAN_QUARANTINED);
    fputs("]}\n", out);
    return code;
}

/* Writes the plan's documents, each as soon as the recordings read so far decide it, and plan.json,
 * which it gives. */
static enum spira_code write_plan(struct plan_writer *writer, struct spira_value **ret_plan,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *excluded_path = spira_format("%s/%s", writer->outputs, excluded_name);
    SPIRA_CLEANUP(spira_free_at)
    char *plan_path = spira_format("%s/%s", writer->outputs, plan_name);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = NULL;
    struct spira_value *excluded = NULL;
    enum spira_code code = spira_file_write_by(excluded_path, plan_corpus, writer, err);
    if (code == SPIRA_OK)
        code = describe_file(writer, excluded_name, &excluded, err);
    if (code == SPIRA_OK)
        code = spira_planner_finish(writer->planner, excluded, &plan, err);
    if (code == SPIRA_OK)
        code = spira_document_write(plan_path, plan, err);
    if (code != SPIRA_OK)
        return code;
    *ret_plan = plan;
    plan = NULL;
    return SPIRA_OK;
}

static enum spira_code compute(const struct spira_job *job, const char *inputs, const char *outputs,
                               const struct spira_tools *tools, struct spira_progress progress,
                               struct spira_value **ret_result, struct spira_error *err)
{
    (void)progress; /* over before anybody looks */
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_config(job, &config, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(plan_writer_done)
    struct plan_writer writer = {.inputs = inputs, .outputs = outputs, .tools = tools};
    writer.planner = spira_planner_new(&config, (struct spira_plan_sink){
                                                    .put = put_document,
                                                    .exclude = exclude,
                                                    .context = &writer,
                                                });
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = NULL;
    code = write_plan(&writer, &plan, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *result = spira_value_map();
    struct spira_value *numbers = spira_value_set(result, "shards", spira_value_list());
    const struct spira_value *shards = spira_value_get(plan, "shards");
    for (size_t i = 0; i < spira_value_count(shards); i++)
        spira_value_append(
            numbers, spira_value_int(spira_value_get_int(spira_value_at(shards, i), "shard", 0)));
    *ret_result = result;
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
    .version = 3,
    .prefix = "dataset",
    .prepare = prepare,
    .compute = compute,
    .complete = complete,
};
