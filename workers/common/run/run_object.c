#include "workers/common/run/run_object.h"

#include "core/run/manifest.h"
#include "core/run/members.h"
#include "workers/common/run/events.h"

/* As the run tracker names them; the intake comes before them. */
const char *const spira_run_steps[SPIRA_RUN_STEPS] = {"feature_engineering", "model_training",
                                                      "model_evaluation", "model_publish"};

/* What is read of one run. */
struct reading {
    const struct spira_worker *worker;
    const struct spira_value *run, *fields; /* its state, and the fields of that */
    struct spira_value *object;
};

static const char *field(const struct reading *reading, const char *name)
{
    return spira_value_get_text(reading->fields, name, NULL);
}

/* The document that the reference in a field of the run names; NULL when the run has none yet. */
static enum spira_code read_document(const struct reading *reading, const char *name,
                                     struct spira_value **ret_reference,
                                     struct spira_value **ret_document, struct spira_error *err)
{
    const char *text = field(reading, name);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = NULL;
    if (!text)
        return SPIRA_OK;
    const struct spira_tools *tools = &reading->worker->tools;
    enum spira_code code =
        spira_config_parse(tools->json, name, text, strlen(text), &reference, err);
    if (code == SPIRA_OK)
        code = spira_document_get(reading->worker->store, tools->digest, tools->json, reference,
                                  ret_document, err);
    if (code == SPIRA_OK && ret_reference) {
        *ret_reference = reference;
        reference = NULL;
    }
    return code;
}

static void set_path(const struct reading *reading, struct spira_value *map, const char *name,
                     const char *key)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", reading->worker->location, key);
    spira_value_set_text(map, name, path);
}

static void copy_field(struct spira_value *to, const struct spira_value *from, const char *name)
{
    if (spira_value_get(from, name))
        spira_value_set(to, name, spira_value_copy(spira_value_get(from, name)));
}

static enum spira_code add_dataset(const struct reading *reading, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    enum spira_code code = read_document(reading, "dataset", NULL, &dataset, err);
    if (code == SPIRA_OK && dataset)
        code = spira_document_get(reading->worker->store, reading->worker->tools.digest,
                                  reading->worker->tools.json,
                                  spira_value_get(dataset, "validation"), &validation, err);
    if (code != SPIRA_OK || !dataset)
        return code;
    struct spira_value *shown = spira_value_set(reading->object, "dataset", spira_value_map());
    size_t left_out = spira_value_count(spira_value_get(validation, "quarantined")) +
                      spira_value_count(spira_value_get(validation, "duplicates"));
    copy_field(shown, dataset, "digest");
    spira_value_set_int(shown, "recordings",
                        (int64_t)spira_value_count(spira_value_get(dataset, "recordings")));
    spira_value_set_int(shown, "quarantined", (int64_t)left_out);
    copy_field(shown, dataset, "windows");
    spira_value_set(shown, "validation", validation);
    validation = NULL;
    return SPIRA_OK;
}

static enum spira_code add_model(const struct reading *reading, struct spira_error *err)
{
    static const char *const shown[] = {"epochs", "best_epoch", "validation_loss",
                                        "validation_accuracy"};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = NULL;
    enum spira_code code = read_document(reading, "model", NULL, &artifact, err);
    if (code != SPIRA_OK || !artifact)
        return code;
    struct spira_value *training = spira_value_set(reading->object, "training", spira_value_map());
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        copy_field(training, spira_value_get(artifact, "result"), shown[i]);
    struct spira_value *model = spira_value_set(reading->object, "model", spira_value_map());
    const struct spira_value *weights = spira_artifact_file(artifact, "model.safetensors");
    spira_value_set_text(model, "digest", spira_value_get_text(weights, "sha256", NULL));
    if (field(reading, "published")) {
        spira_value_set_int(model, "version", strtoll(field(reading, "version"), NULL, 10));
        set_path(reading, model, "path", field(reading, "published"));
    }
    return SPIRA_OK;
}

/* What there is of one training of several: {"member", "fold" and "folds" where there are folds,
 * "seed", "epochs", "best_epoch", "validation_loss", ..., "digest"}. */
static enum spira_code add_member(const struct reading *reading, const struct spira_member *member,
                                  const char *text, struct spira_value *rows,
                                  struct spira_error *err)
{
    const struct spira_tools *tools = &reading->worker->tools;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = NULL;
    enum spira_code code =
        spira_config_parse(tools->json, "a member", text, strlen(text), &reference, err);
    if (code == SPIRA_OK)
        code = spira_document_get(reading->worker->store, tools->digest, tools->json, reference,
                                  &artifact, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *row = spira_value_append(rows, spira_value_map());
    spira_member_describe(member, row);
    const struct spira_value *result = spira_value_get(artifact, "result");
    for (size_t i = 0; i < spira_value_count(result); i++)
        copy_field(row, result, spira_value_key_at(result, i));
    const struct spira_value *weights = spira_artifact_file(artifact, "model.safetensors");
    spira_value_set_text(row, "digest", spira_value_get_text(weights, "sha256", NULL));
    return SPIRA_OK;
}

/* The members that are done, in their order. */
static enum spira_code add_members(const struct reading *reading, const char *run_id,
                                   struct spira_error *err)
{
    const struct spira_value *done = spira_value_find(reading->run, "sets.members");
    if (!done)
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_manifest_get(reading->worker->store, reading->worker->tools.json,
                                              run_id, &manifest, err);
    if (code == SPIRA_OK)
        code = spira_manifest_config(manifest, &config, err);
    struct spira_value *rows = spira_value_set(reading->object, "members", spira_value_list());
    for (size_t i = 0; code == SPIRA_OK && i < spira_member_count(&config); i++) {
        const struct spira_member member = spira_member_at(&config, i);
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("%05zu", i);
        const char *text = spira_value_get_text(done, name, NULL);
        if (text)
            code = add_member(reading, &member, text, rows, err);
    }
    return code;
}

/* Sets which of the members is published, and what each of them and all together are worth. */
static void add_member_metrics(const struct reading *reading, const struct spira_value *result,
                               struct spira_value *shown)
{
    static const char *const copied[] = {"published_member", "published_metrics",
                                         "cross_validation", "spread"};
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        copy_field(shown, result, copied[i]);
    struct spira_value *rows = spira_value_get(reading->object, "members");
    const struct spira_value *members = spira_value_get(result, "members");
    for (size_t i = 0; i < spira_value_count(rows) && i < spira_value_count(members); i++) {
        copy_field(spira_value_at(rows, i), spira_value_at(members, i), "validation");
        copy_field(spira_value_at(rows, i), spira_value_at(members, i), "test");
    }
}

static enum spira_code add_evaluation(const struct reading *reading, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = NULL;
    enum spira_code code = read_document(reading, "evaluation", NULL, &artifact, err);
    if (code != SPIRA_OK || !artifact)
        return code;
    struct spira_value *shown = spira_value_set(reading->object, "evaluation", spira_value_map());
    copy_field(shown, spira_value_get(artifact, "result"), "digest");
    const struct spira_value *metrics = spira_value_find(artifact, "result.metrics");
    for (size_t i = 0; i < spira_value_count(metrics); i++)
        copy_field(shown, metrics, spira_value_key_at(metrics, i));
    add_member_metrics(reading, spira_value_get(artifact, "result"), shown);
    const struct spira_value *report = spira_artifact_file(artifact, "report.html");
    if (report)
        set_path(reading, shown, "report", spira_value_get_text(report, "key", ""));
    return SPIRA_OK;
}

/* The executions of a step, joined. */
struct joined {
    char status[16]; /* the worst of them: failed and rejected before succeeded before reused */
    double seconds;
};

static void join(struct joined *joined, const struct spira_value *execution)
{
    const char *more = spira_value_get_text(execution, "status", "succeeded");
    bool first = !joined->status[0] || strcmp(joined->status, "reused") == 0;
    if (first || (strcmp(more, "reused") != 0 && strcmp(more, "succeeded") != 0))
        snprintf(joined->status, sizeof joined->status, "%s", more);
    joined->seconds += spira_value_get_real(execution, "seconds", 0);
}

static struct spira_value *row_of(const char *step, const struct joined *joined)
{
    struct spira_value *row = spira_value_map();
    spira_value_set_text(row, "step", step);
    spira_value_set_text(row, "status", joined->status);
    spira_value_set_real(row, "seconds", joined->seconds);
    return row;
}

/* What the intake's events say of how it went. */
struct intake {
    const struct spira_worker *worker;
    struct joined joined;
};

static enum spira_code join_intake(void *context, const struct spira_message *message,
                                   struct spira_error *err)
{
    struct intake *intake = context;
    const char *event;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = spira_event_open(intake->worker, message, &event, &value, err);
    if (code == SPIRA_EINVALID) /* no event: it is no part of the corpus */
        return SPIRA_OK;
    const struct spira_value *execution = spira_value_get(value, SPIRA_EXECUTION);
    if (code == SPIRA_OK && spira_value_type(execution) == SPIRA_MAP)
        join(&intake->joined, execution);
    return code;
}

/* The row of the intake, from the run's ranges of its events; none when they are not there any
 * more. */
static enum spira_code add_intake(const struct reading *reading, const char *run_id,
                                  struct spira_value *rows, struct spira_error *err)
{
    const struct spira_worker *worker = reading->worker;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    struct intake intake = {.worker = worker};
    struct spira_error why;
    enum spira_code code =
        spira_manifest_get(worker->store, worker->tools.json, run_id, &manifest, &why);
    if (code == SPIRA_OK)
        code = spira_manifest_corpus(manifest, &ranges, &count, &why);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = spira_bus_read(worker->bus, &ranges[i], join_intake, &intake, &why);
    if (code == SPIRA_ENOTFOUND)
        return SPIRA_OK;
    if (code != SPIRA_OK) {
        *err = why;
        return code;
    }
    if (!intake.joined.status[0])
        snprintf(intake.joined.status, sizeof intake.joined.status, "succeeded");
    spira_value_append(rows, row_of("audio_intake", &intake.joined));
    return SPIRA_OK;
}

enum spira_code spira_run_step(struct spira_config_source json, const struct spira_value *run,
                               const char *step, struct spira_value **ret_row,
                               struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *set = spira_format("step.%s", step);
    const struct spira_value *parts = spira_value_get(spira_value_get(run, "sets"), set);
    struct joined joined = {0};
    for (size_t i = 0; i < spira_value_count(parts); i++) {
        const char *text = spira_value_as_text(spira_value_at(parts, i), "");
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *part = NULL;
        enum spira_code code =
            spira_config_parse(json, "an execution", text, strlen(text), &part, err);
        if (code != SPIRA_OK)
            return code;
        join(&joined, part);
    }
    *ret_row = joined.status[0] ? row_of(step, &joined) : NULL;
    return SPIRA_OK;
}

static enum spira_code add_step(const struct reading *reading, const char *step,
                                struct spira_value *rows, struct spira_error *err)
{
    struct spira_value *row = NULL;
    enum spira_code code =
        spira_run_step(reading->worker->tools.json, reading->run, step, &row, err);
    if (row)
        spira_value_append(rows, row);
    return code;
}

bool spira_run_is_over(const char *state)
{
    static const char *const ends[] = {"succeeded", "failed", "rejected", "canceled"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(state, ends[i]) == 0)
            return true;
    return false;
}

enum spira_code spira_run_object(const struct spira_worker *worker, const char *run_id,
                                 struct spira_value **ret_object, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = spira_value_map();
    enum spira_code code = spira_state_run(worker->state, run_id, &run, err);
    if (code != SPIRA_OK)
        return code;
    const struct reading reading = {
        .worker = worker, .run = run, .fields = spira_value_get(run, "fields"), .object = object};
    spira_value_set_text(object, "run_id", run_id);
    spira_value_set_text(object, "state", field(&reading, "state"));
    if (field(&reading, "message"))
        spira_value_set_text(object, "message", field(&reading, "message"));
    code = add_dataset(&reading, err);
    if (code == SPIRA_OK)
        code = add_model(&reading, err);
    if (code == SPIRA_OK)
        code = add_members(&reading, run_id, err);
    if (code == SPIRA_OK)
        code = add_evaluation(&reading, err);
    struct spira_value *rows = spira_value_set(object, "steps", spira_value_list());
    if (code == SPIRA_OK)
        code = add_intake(&reading, run_id, rows, err);
    for (size_t i = 0; code == SPIRA_OK && i < SPIRA_RUN_STEPS; i++)
        code = add_step(&reading, spira_run_steps[i], rows, err);
    if (code != SPIRA_OK)
        return code;
    *ret_object = object;
    object = NULL;
    return SPIRA_OK;
}

enum spira_code spira_run_look(const struct spira_worker *worker, const char *run_id,
                               bool *ret_over, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *state = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *wanted = NULL;
    enum spira_code code = spira_state_field(worker->state, run_id, "state", &state, err);
    if (code == SPIRA_OK)
        code = spira_state_field(worker->state, run_id, "wanted", &wanted, err);
    if (code == SPIRA_OK)
        *ret_over =
            spira_run_is_over(state ? state : "") || spira_run_is_over(wanted ? wanted : "");
    return code;
}
