#include "workers/model_training/training.h"

#include "core/dataset/loader.h"
#include "core/evaluation/metrics.h"
#include "core/model/description.h"
#include "core/model/kernel/kernel.h"
#include "core/training/trainer.h"
#include "workers/common/step/dataset_inputs.h"

/* Only what decides the training: a member that is trained alone in another run is found. */
static void set_parameters(struct spira_step_call *call, const struct spira_run_config *config,
                           const struct spira_member *member)
{
    static const char *const sections[] = {"audio", "features", "transform", "model", "train"};
    struct spira_run_config alone = *config;
    alone.train.folds = alone.train.seed_count = 0;
    spira_configuration_parameters(call, &alone, sections, sizeof sections / sizeof *sections);
    spira_value_set_text(call->job.parameters, "arithmetic", spira_model_arithmetic());
    call->job.seed = member ? member->seed : config->seed;
    if (!member || member->folds == 0)
        return;
    struct spira_value *fold = spira_value_set(call->job.parameters, "fold", spira_value_map());
    spira_value_set_int(fold, "fold", (int64_t)member->fold);
    spira_value_set_int(fold, "folds", (int64_t)member->folds);
    spira_value_set_int(fold, "seed", (int64_t)config->seed); /* that dealt the patients */
}

enum spira_code spira_training_prepare(struct spira_step_call *call,
                                       const struct spira_run_config *config,
                                       const struct spira_member *member, struct spira_error *err)
{
    enum spira_code code = spira_dataset_inputs(call, NULL, err);
    if (code != SPIRA_OK)
        return code;
    set_parameters(call, config, member);
    const char *initial = config->train.initial_weights;
    if (!initial)
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/initial.safetensors", call->inputs);
    struct spira_sha256 sha256;
    code = spira_store_fetch(call->worker->store, initial, path, err);
    if (code == SPIRA_OK)
        code = spira_digest_file(call->worker->tools.digest, path, &sha256, NULL, err);
    if (code != SPIRA_OK)
        return spira_fail_within(err, "train.initial_weights");
    spira_job_input(&call->job, "initial.safetensors", initial, sha256.hex, NULL);
    return SPIRA_OK;
}

/* What a window looks like to the model: 0 frames when it works per frame. */
static size_t model_frames(const struct spira_run_config *config, const struct spira_value *dataset)
{
    bool fixed = config->transform.overlap.enabled || config->transform.padding;
    return fixed ? (size_t)spira_value_get_int(dataset, "longest_train_frames", 0) : 0;
}

static enum spira_code open_loaders(const struct spira_job *job,
                                    const struct spira_run_config *config,
                                    const struct spira_tools *tools, const char *inputs,
                                    const struct spira_value *dataset,
                                    struct spira_training_job *training, struct spira_error *err)
{
    size_t padded = config->transform.padding ? model_frames(config, dataset) : 0;
    const struct spira_mixture_config *mixture = &config->transform.mixture;
    const struct spira_value *part = spira_value_get(job->parameters, "fold");
    const size_t folds = (size_t)spira_value_get_int(part, "folds", 0);
    const size_t fold = (size_t)spira_value_get_int(part, "fold", 0);
    const struct spira_loader_options train = {.role = SPIRA_TRAIN,
                                               .folds = folds,
                                               .fold = fold,
                                               .padded_frames = padded,
                                               .mixture = mixture->enabled ? mixture : NULL,
                                               .seed = job->seed};
    const struct spira_loader_options validation = {
        .role = SPIRA_VALIDATION, .folds = folds, .fold = fold, .padded_frames = padded};
    enum spira_code code =
        spira_dataset_loader(tools->tensors, dataset, inputs, &train, &training->training, err);
    return code == SPIRA_OK ? spira_dataset_loader(tools->tensors, dataset, inputs, &validation,
                                                   &training->validation, err)
                            : code;
}

static struct spira_value *describe_training(const struct spira_training_result *trained,
                                             const struct spira_metric *metric)
{
    struct spira_value *result = spira_value_map();
    spira_value_set_int(result, "epochs", (int64_t)trained->epochs);
    spira_value_set_int(result, "best_epoch", (int64_t)trained->best_epoch);
    spira_value_set_int(result, "steps", (int64_t)trained->steps);
    spira_value_set_real(result, "validation_loss", trained->validation_loss);
    spira_value_set_real(result, "validation_accuracy", trained->validation_accuracy);
    if (metric) {
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("validation_%s", metric->name);
        spira_value_set_real(result, name, trained->validation_metric);
    }
    return result;
}

/* model.json: all that prediction needs beside the weights. */
static enum spira_code
write_description(const struct spira_run_config *config, const struct spira_value *dataset,
                  const struct spira_training_job *training, struct spira_digest digest,
                  const struct spira_value *result, const char *path, struct spira_error *err)
{
    struct spira_sha256 sha256;
    enum spira_code code = spira_digest_file(digest, training->model_path, &sha256, NULL, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_model_description description = {
        .audio = config->audio,
        .features = config->features,
        .transform = config->transform,
        .model = config->model,
        .frames = training->frames,
        .feature_count = training->features,
        .threshold = config->threshold,
        .training = result,
        .dataset = spira_value_get_text(dataset, "digest", ""),
        .sha256 = sha256.hex,
    };
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_model_description_write(&description);
    return spira_document_write(path, document, err);
}

static enum spira_code train(const struct spira_run_config *config,
                             const struct spira_value *dataset, const struct spira_tools *tools,
                             const char *inputs, const char *outputs,
                             struct spira_training_job *training, struct spira_value **ret_result,
                             struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *checkpoints = spira_format("%s/checkpoints", outputs);
    SPIRA_CLEANUP(spira_free_at)
    char *initial = spira_format("%s/initial.safetensors", inputs);
    SPIRA_CLEANUP(spira_free_at)
    char *log = spira_format("%s/training.jsonl", outputs);
    SPIRA_CLEANUP(spira_free_at)
    char *model = spira_format("%s/model.safetensors", outputs);
    SPIRA_CLEANUP(spira_free_at)
    char *description = spira_format("%s/model.json", outputs);
    training->checkpoint_folder = checkpoints;
    training->initial_weights_path = config->train.initial_weights ? initial : NULL;
    training->log_path = log;
    training->model_path = model;
    struct spira_training_result trained = {0};
    enum spira_code code = spira_train(training, &trained, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = describe_training(&trained, config->train.early_stop_metric);
    code = write_description(config, dataset, training, tools->digest, result, description, err);
    if (code != SPIRA_OK)
        return code;
    *ret_result = result;
    result = NULL;
    return SPIRA_OK;
}

enum spira_code spira_training_compute(const struct spira_job *job, const char *inputs,
                                       const char *outputs, const struct spira_tools *tools,
                                       struct spira_progress progress,
                                       struct spira_value **ret_result, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_read(tools, inputs, "dataset.json", &dataset, err);
    if (code == SPIRA_OK)
        code = spira_step_config(job, &config, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_training_job training = {
        .model = &config.model,
        .train = &config.train,
        .seed = job->seed,
        .frames = model_frames(&config, dataset),
        .features = (size_t)spira_value_get_int(dataset, "features", 0),
        .threads = tools->threads,
        .matrix = tools->matrix,
        .tensors = tools->tensors,
        .digest = tools->digest,
        .progress = progress,
    };
    code = open_loaders(job, &config, tools, inputs, dataset, &training, err);
    spira_value_remove(dataset, "recordings"); /* the loaders have what training needs of them */
    if (code == SPIRA_OK)
        code = train(&config, dataset, tools, inputs, outputs, &training, ret_result, err);
    spira_loader_done(&training.training);
    spira_loader_done(&training.validation);
    return code;
}
