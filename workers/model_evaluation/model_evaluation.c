#include "workers/model_evaluation/model_evaluation.h"

#include "core/base/file.h"
#include "core/dataset/loader.h"
#include "core/evaluation/ensemble.h"
#include "core/evaluation/evaluation.h"
#include "core/evaluation/report.h"
#include "core/model/description.h"
#include "core/model/kernel/kernel.h"
#include "workers/common/step/dataset_inputs.h"
#include "workers/model_evaluation/member_scores.h"
#include "workers/model_evaluation/scoring.h"

enum { TRAINING_LOG_MAX_BYTES = 64 << 20 };

/* The members' weights and, as parameters, which of them are whose; none of a single model. */
static enum spira_code add_members(struct spira_step_call *call, struct spira_error *err)
{
    if (!spira_value_get(call->value, "members"))
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    enum spira_code code = spira_step_document(call, "members", &document, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *parameters = call->job.parameters;
    spira_value_set(parameters, "published_member",
                    spira_value_copy(spira_value_get(document, "published")));
    spira_value_set(parameters, "members", spira_value_list());
    const struct spira_value *rows = spira_value_get(document, "members");
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(rows); i++)
        code = spira_add_member(call, spira_value_at(rows, i), err);
    return code;
}

static enum spira_code prepare(struct spira_step_call *call, struct spira_error *err)
{
    static const char *const sections[] = {"audio", "features", "transform",  "split",
                                           "model", "train",    "evaluation", "publish"};
    static const char *const model_files[] = {"model.safetensors", "model.json", "training.jsonl"};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *model = NULL;
    enum spira_code code = spira_step_manifest(call, &manifest, &config, err);
    if (code == SPIRA_OK)
        code = spira_dataset_inputs(call, &dataset, err);
    if (code == SPIRA_OK)
        code = spira_step_document(call, "artifact", &model, err);
    if (code != SPIRA_OK)
        return code;
    spira_configuration_parameters(call, &config, sections, sizeof sections / sizeof *sections);
    spira_value_set_text(call->job.parameters, "arithmetic", spira_model_arithmetic());
    spira_value_set_text(spira_value_get(call->job.parameters, "configuration"), "name",
                         config.name);
    call->job.seed = config.seed;
    for (size_t i = 0; i < sizeof model_files / sizeof *model_files; i++)
        spira_job_input_reference(&call->job, model_files[i],
                                  spira_artifact_file(model, model_files[i]), NULL);
    spira_job_input_reference(&call->job, "validation.json", spira_value_get(dataset, "validation"),
                              NULL);
    return add_members(call, err);
}

/* training.jsonl as a list of its lines. */
static enum spira_code read_training_log(const struct spira_tools *tools, const char *inputs,
                                         struct spira_value **ret_log, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/training.jsonl", inputs);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, TRAINING_LOG_MAX_BYTES, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *log = spira_value_list();
    char *rest = bytes.data;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (!*line)
            continue;
        struct spira_value *epoch = NULL;
        code = spira_config_parse(tools->json, "training.jsonl", line, strlen(line), &epoch, err);
        if (code != SPIRA_OK)
            return code;
        spira_value_append(log, epoch);
    }
    *ret_log = log;
    log = NULL;
    return SPIRA_OK;
}

/* Everything the computation reads, but the weights. */
struct reading {
    struct spira_run_config config;
    struct spira_value *dataset, *validation, *training, *model;
    struct spira_scorer scorer;
};

static void reading_done(struct reading *reading)
{
    spira_run_config_done(&reading->config);
    spira_value_free(reading->dataset);
    spira_value_free(reading->validation);
    spira_value_free(reading->training);
    spira_value_free(reading->model);
    spira_network_free(reading->scorer.network);
}

static enum spira_code read_inputs(const struct spira_job *job, const struct spira_tools *tools,
                                   const char *inputs, struct reading *reading,
                                   struct spira_error *err)
{
    enum spira_code code = spira_step_config(job, &reading->config, err);
    if (code == SPIRA_OK)
        code = spira_step_read(tools, inputs, "dataset.json", &reading->dataset, err);
    if (code == SPIRA_OK)
        code = spira_step_read(tools, inputs, "validation.json", &reading->validation, err);
    if (code == SPIRA_OK)
        code = spira_step_read(tools, inputs, "model.json", &reading->model, err);
    if (code == SPIRA_OK)
        code = read_training_log(tools, inputs, &reading->training, err);
    if (code != SPIRA_OK)
        return code;
    size_t frames = (size_t)spira_value_get_int(reading->model, "frames", 0);
    size_t features = (size_t)spira_value_get_int(reading->model, "features", 0);
    reading->scorer = (struct spira_scorer){
        .tools = tools,
        .dataset = reading->dataset,
        .inputs = inputs,
        .padded_frames = reading->config.transform.padding ? frames : 0,
    };
    const struct spira_matrix own = {0};
    bool strict = reading->config.train.reproducible == SPIRA_ON_ANY_MACHINE;
    return spira_network_new(&reading->config.model, frames, features, strict ? own : tools->matrix,
                             tools->threads, &reading->scorer.network, err);
}

static enum spira_code write_outputs(const struct spira_job *job, const char *outputs,
                                     const struct reading *reading,
                                     const struct spira_value *evaluation, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/evaluation.json", outputs);
    enum spira_code code = spira_document_write(path, evaluation, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *configuration =
        spira_value_copy(spira_value_get(job->parameters, "configuration"));
    spira_value_set_int(configuration, "seed", (int64_t)job->seed);
    const struct spira_report report = {
        .run = reading->config.name,
        .model = reading->config.publish_model,
        .evaluation = evaluation,
        .training = reading->training,
        .dataset = reading->dataset,
        .validation = reading->validation,
        .configuration = configuration,
    };
    SPIRA_CLEANUP(spira_free_at)
    char *page = NULL;
    code = spira_report_write(&report, &page, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *page_path = spira_format("%s/report.html", outputs);
    return spira_file_write(page_path, page, strlen(page), err);
}

static enum spira_code evaluate_model(struct spira_scorer *scorer, double threshold,
                                      struct spira_value **ret_evaluation, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_scores_done)
    struct spira_scores scores = {0};
    enum spira_code code = spira_scorer_load(scorer, "model.safetensors", err);
    if (code == SPIRA_OK)
        code = spira_scorer_test(scorer, &scores, err);
    if (code == SPIRA_OK)
        *ret_evaluation = spira_evaluation_write(scores.scored, scores.count, threshold);
    return code;
}

static enum spira_code compute(const struct spira_job *job, const char *inputs, const char *outputs,
                               const struct spira_tools *tools, struct spira_progress progress,
                               struct spira_value **ret_result, struct spira_error *err)
{
    SPIRA_CLEANUP(reading_done)
    struct reading reading = {0};
    enum spira_code code = read_inputs(job, tools, inputs, &reading, err);
    if (code != SPIRA_OK)
        return code;
    reading.scorer.progress = progress;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = NULL;
    code = spira_value_get(job->parameters, "members")
               ? spira_evaluate_members(job, &reading.scorer, reading.config.threshold, &evaluation,
                                        err)
               : evaluate_model(&reading.scorer, reading.config.threshold, &evaluation, err);
    if (code != SPIRA_OK)
        return code;
    code = write_outputs(job, outputs, &reading, evaluation, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *result = spira_value_map();
    spira_value_set_text(result, "digest", spira_evaluation_digest(evaluation, tools->digest).hex);
    spira_value_set(result, "metrics", spira_value_copy(spira_value_get(evaluation, "metrics")));
    spira_value_set(result, "confusion",
                    spira_value_copy(spira_value_get(evaluation, "confusion")));
    if (spira_value_get(evaluation, "members"))
        spira_describe_members(evaluation, result);
    *ret_result = result;
    return SPIRA_OK;
}

static enum spira_code complete(struct spira_step_call *call, struct spira_error *err)
{
    struct spira_value *fields = spira_value_map();
    spira_value_set(fields, "dataset", spira_value_copy(spira_value_get(call->value, "dataset")));
    spira_value_set(fields, "model", spira_value_copy(spira_value_get(call->value, "artifact")));
    spira_value_set(fields, "artifact", spira_value_copy(call->reference));
    return spira_step_emit(call, "model.evaluated", fields, err);
}

const struct spira_step spira_model_evaluation_step = {
    .name = "model_evaluation",
    .consumes = "model.trained",
    .version = 2,
    .prefix = "evaluations",
    .prepare = prepare,
    .compute = compute,
    .complete = complete,
};
