/* model.<any>.safetensors: a network's inference, one step's loss and gradients, and its state
 * after some steps of Adam on the same batch without dropout. The loss is the mean over all outputs
 * of all windows, per frame too. */
#include <math.h>

#include "core/model/weights.h"
#include "core/training/adam.h"
#include "core/training/loss.h"
#include "core/training/schedule.h"
#include "tests/golden/golden_kinds.h"

#define OUTPUT_TOLERANCE 1e-5 /* probabilities and losses */
#define GRADIENT_TOLERANCE 1e-4
#define ZERO_GRADIENT_TOLERANCE 1e-6
#define WEIGHT_TOLERANCE 5e-3
#define STATISTIC_TOLERANCE 1e-4
enum { THREADS = 2, MAX_STEPS = 1000 };

/* "Adam lr=noam(step,1e-3,warmup 10) weight_decay=0.01 (L2), 3 steps on the same batch" */
struct optimizer {
    double base, weight_decay;
    size_t warmup, steps;
};

struct model {
    struct spira_model_config config;
    struct optimizer optimizer;
    const char *zero_gradients; /* names between commas */
    struct spira_network *network;
    struct spira_adam adam;
    struct spira_window *windows;
    double *weights, *losses, *probabilities;
    size_t count, frames, features, outputs; /* windows; of each; outputs of all */
};

static void model_done(struct model *model)
{
    spira_network_free(model->network);
    spira_adam_done(&model->adam);
    free(model->windows);
    free(model->weights);
    free(model->losses);
    free(model->probabilities);
}

/* Whether the metadata's text under key is yes (true) or no (false); fails when neither. */
static bool read_choice(struct golden_file *file, const char *key, const char *yes, const char *no,
                        bool *ret_choice)
{
    const char *text = golden_metadata(file, key);
    if (!text)
        return false;
    *ret_choice = strcmp(text, yes) == 0;
    if (!*ret_choice && strcmp(text, no) != 0)
        golden_fail(file, "metadata '%s': '%s' is neither %s nor %s", key, text, yes, no);
    return *ret_choice || strcmp(text, no) == 0;
}

static bool read_size(struct golden_file *file, const char *key, size_t *ret_size)
{
    const char *text = golden_metadata(file, key);
    if (!text)
        return false;
    if (sscanf(text, "%zu", ret_size) == 1 && *ret_size > 0)
        return true;
    golden_fail(file, "metadata '%s': '%s' is no count", key, text);
    return false;
}

static bool read_optimizer(struct golden_file *file, struct optimizer *ret_optimizer)
{
    const char *text = golden_metadata(file, "optimizer");
    if (!text)
        return false;
    int length = 0;
    struct optimizer optimizer = {0};
    (void)sscanf(text,
                 "Adam lr=noam(step,%lf,warmup %zu) weight_decay=%lf (L2), %zu steps on the "
                 "same batch%n",
                 &optimizer.base, &optimizer.warmup, &optimizer.weight_decay, &optimizer.steps,
                 &length);
    if (length == 0 || text[length] || optimizer.warmup < 1 || optimizer.steps < 1 ||
        optimizer.steps > MAX_STEPS) {
        golden_fail(file, "metadata 'optimizer': '%s' is not understood", text);
        return false;
    }
    *ret_optimizer = optimizer;
    return true;
}

/* The batch: tensors input (windows, frames, features) and target (windows). */
static bool read_batch(struct golden_file *file, struct model *model)
{
    const struct spira_tensor *input = golden_input(file, "input", SPIRA_F32);
    const struct spira_tensor *target = golden_input(file, "target", SPIRA_F32);
    if (!input || !target)
        return false;
    if (input->rank != 3 || input->shape[0] < 1 || input->shape[1] != model->frames ||
        input->shape[2] != model->features || spira_tensor_elements(target) != input->shape[0]) {
        golden_fail(file, "input and target: not windows of %zu frames x %zu, and their labels",
                    model->frames, model->features);
        return false;
    }
    model->count = input->shape[0];
    model->windows = spira_alloc(model->count, sizeof *model->windows);
    for (size_t i = 0; i < model->count; i++)
        model->windows[i] = (struct spira_window){.data = (const float *)input->data +
                                                          i * model->frames * model->features,
                                                  .frames = model->frames,
                                                  .label = (float)golden_element(target, i),
                                                  .recording = i};
    return true;
}

/* Every parameter's tensor weights.<name>, as an input. */
static bool take_weights(struct golden_file *file, const struct model *model)
{
    size_t count, failures = file->failures;
    const struct spira_parameter *parameters = spira_network_parameters(model->network, &count);
    for (size_t i = 0; i < count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("weights.%s", parameters[i].name);
        (void)golden_input(file, name, parameters[i].number ? SPIRA_I64 : SPIRA_F32);
    }
    return file->failures == failures;
}

/* The file's network with its weights, its batch and an Adam that has done no step. */
static bool read_model(struct golden_file *file, struct model *model)
{
    bool grouped = false, per_frame = false;
    model->zero_gradients = golden_metadata(file, "zero_gradients");
    if (!read_choice(file, "norm", "group", "batch", &grouped) ||
        !read_choice(file, "per_frame", "True", "False", &per_frame) ||
        !read_size(file, "frames", &model->frames) ||
        !read_size(file, "features", &model->features) ||
        !read_size(file, "fc1", &model->config.fc1_dim) ||
        !read_optimizer(file, &model->optimizer) || !model->zero_gradients ||
        !read_batch(file, model))
        return false;
    model->config.norm = grouped ? SPIRA_GROUP_NORM : SPIRA_BATCH_NORM;
    model->config.fc2_dim = 1;
    struct spira_error err;
    enum spira_code code =
        spira_network_new(&model->config, per_frame ? 0 : model->frames, model->features,
                          file->matrix, THREADS, &model->network, &err);
    if (code == SPIRA_OK && !take_weights(file, model))
        return false;
    if (code == SPIRA_OK)
        code = spira_weights_read(&file->content, file->name, "weights.", model->network, &err);
    if (code == SPIRA_OK)
        code = spira_adam_init(&model->adam, spira_network_trained(model->network).count, &err);
    if (code != SPIRA_OK) {
        golden_fail(file, "%s", err.message);
        return false;
    }
    model->outputs = model->count * spira_network_outputs(model->network, model->frames);
    model->probabilities = spira_alloc(model->outputs, sizeof *model->probabilities);
    model->weights = spira_alloc(model->count, sizeof *model->weights);
    model->losses = spira_alloc(model->count, sizeof *model->losses);
    spira_loss_weights(model->windows, model->count, false, false, model->weights);
    return true;
}

static void check_inference(struct golden_file *file, struct model *model)
{
    struct spira_error err;
    if (spira_network_predict(model->network, model->windows, model->count, true, NULL,
                              model->probabilities, &err) != SPIRA_OK) {
        golden_fail(file, "eval.probability: %s", err.message);
        return;
    }
    golden_compare_doubles(file, "eval.probability", model->probabilities, model->outputs,
                           OUTPUT_TOLERANCE, GOLDEN_ABSOLUTE);
}

/* Whether name is one of list's, which stand between commas. */
static bool is_listed(const char *name, const char *list)
{
    size_t length = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static void check_gradients(struct golden_file *file, const struct model *model)
{
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(model->network, &count);
    for (size_t i = 0; i < count; i++) {
        if (!parameters[i].gradient)
            continue;
        bool zero = is_listed(parameters[i].name, model->zero_gradients);
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("grad.%s", parameters[i].name);
        golden_compare_floats(file, name, parameters[i].gradient, parameters[i].count,
                              zero ? ZERO_GRADIENT_TOLERANCE : GRADIENT_TOLERANCE,
                              zero ? GOLDEN_ABSOLUTE : GOLDEN_OF_LARGEST);
    }
}

/* One step of training: the loss from the losses of the windows, and the first step's outputs. */
static bool check_step(struct golden_file *file, struct model *model, size_t step)
{
    struct spira_error err;
    struct spira_trained trained = spira_network_trained(model->network);
    memset(trained.gradients, 0, trained.count * sizeof *trained.gradients);
    if (spira_network_train(model->network, model->windows, model->count, model->weights, true,
                            &(struct spira_dropout){.step = step}, model->losses,
                            model->probabilities, &err) != SPIRA_OK) {
        golden_fail(file, "step %zu: %s", step, err.message);
        return false;
    }
    double loss = 0;
    for (size_t i = 0; i < model->count; i++)
        loss += model->weights[i] * model->losses[i];
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("train.loss.%zu", step);
    golden_compare_doubles(file, name, &loss, 1, OUTPUT_TOLERANCE, GOLDEN_ABSOLUTE);
    if (step == 1) {
        golden_compare_doubles(file, "train.probability", model->probabilities, model->outputs,
                               OUTPUT_TOLERANCE, GOLDEN_ABSOLUTE);
        check_gradients(file, model);
    }
    spira_adam_step(&model->adam, trained.values, trained.gradients,
                    spira_noam_rate(model->optimizer.base, model->optimizer.warmup, step),
                    model->optimizer.weight_decay, THREADS);
    return true;
}

/* Trained values by how far they are off as a share of how far training moved them. */
static void check_trained(struct golden_file *file, const struct spira_parameter *parameter,
                          const char *name, const struct spira_tensor *before)
{
    const struct spira_tensor *after = spira_tensor_find(&file->content, name);
    if (after && spira_tensor_elements(after) != parameter->count) {
        golden_fail(file, "%s: %zu values, ours are %zu", name, spira_tensor_elements(after),
                    parameter->count);
        return;
    }
    double off = 0, moved = 0;
    for (size_t i = 0; after && i < parameter->count; i++) {
        double reference = golden_element(after, i);
        off += pow((double)parameter->value[i] - reference, 2);
        moved += pow(reference - golden_element(before, i), 2);
    }
    golden_report(file, name, off == 0 ? 0 : sqrt(off / moved), WEIGHT_TOLERANCE);
}

static void check_state(struct golden_file *file, const struct model *model)
{
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(model->network, &count);
    for (size_t i = 0; i < count; i++) {
        const struct spira_parameter *parameter = &parameters[i];
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("after%zu.%s", model->optimizer.steps, parameter->name);
        SPIRA_CLEANUP(spira_free_at)
        char *before = spira_format("weights.%s", parameter->name);
        if (parameter->number)
            golden_compare_doubles(file, name, &(double){(double)*parameter->number}, 1, 0,
                                   GOLDEN_ABSOLUTE);
        else if (parameter->gradient)
            check_trained(file, parameter, name, spira_tensor_find(&file->content, before));
        else
            golden_compare_floats(file, name, parameter->value, parameter->count,
                                  STATISTIC_TOLERANCE, GOLDEN_OF_LARGEST);
    }
}

void golden_check_model(struct golden_file *file)
{
    SPIRA_CLEANUP(model_done)
    struct model model = {0};
    if (!read_model(file, &model))
        return;
    check_inference(file, &model);
    for (size_t step = 1; step <= model.optimizer.steps; step++)
        if (!check_step(file, &model, step))
            return;
    check_state(file, &model);
}
