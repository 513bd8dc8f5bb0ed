#include "adapters/onnx/model_export_onnx.h"

#include "adapters/onnx/onnx_graph.h"
#include "core/base/file.h"
#include "core/model/spiraconv.h"

/* Operator set 13 (ONNX 1.8, 2021) has all that is used here, and later sets changed none of that:
 * Debian 12's onnx (set 17) reads it, and so does every onnxruntime since 1.7. Mish is an operator
 * only since 18, and GroupNormalization took its form in 21: both are written as what they are
 * defined by. */
enum { OPERATOR_SET = 13, IR_VERSION = 7, MAX_BYTES = INT32_MAX };

static const float norm_epsilon = 1e-5f;

/* The graph under construction. Values are named "<part>/<what>", weights as the reference
 * framework names them. */
struct drawing {
    Onnx__GraphProto *graph;
    const struct spira_parameter *next; /* of the network, in their order */
    size_t features;
    char part[16]; /* "conv1" */
};

#define INPUTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define INTS(...)                                                                                  \
    ((const int64_t[]){__VA_ARGS__}), sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

/* Adds an operator to the part; borrowed from the graph. */
static Onnx__NodeProto *add(const struct drawing *drawing, const char *op, const char *what,
                            const char *const *inputs)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("%s/%s", drawing->part, what);
    return spira_onnx_node(drawing->graph, op, name, inputs);
}

/* Reshapes x; 0 keeps a dimension, -1 is what is left. what: of the result. Returns its name. */
static const char *reshape(const struct drawing *drawing, const char *what, const char *x,
                           const int64_t *shape, size_t rank)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("%s/%s_shape", drawing->part, what);
    spira_onnx_int_tensor(drawing->graph, name, shape, rank);
    return add(drawing, "Reshape", what, INPUTS(x, name))->output[0];
}

/* Adds the network's next parameter and returns its name. A channel's value is also for all time
 * steps and features of it: with more dimensions of 1 behind, it meets them. */
static enum spira_code add_weight(struct drawing *drawing, size_t ones_behind,
                                  const char **ret_name, struct spira_error *err)
{
    const struct spira_parameter *parameter = drawing->next++;
    size_t shape[8] = {0}, rank = parameter->rank;
    memcpy(shape, parameter->shape, rank * sizeof *shape);
    while (ones_behind--)
        shape[rank++] = 1;
    *ret_name = parameter->name;
    return spira_onnx_float_tensor(drawing->graph, parameter->name, shape, rank, parameter->value,
                                   err);
}

/* mish(x) = x tanh(ln(1 + e^x)), which is how ONNX defines its own. */
static const char *mish(const struct drawing *drawing, const char *x)
{
    const char *softplus = add(drawing, "Softplus", "softplus", INPUTS(x))->output[0];
    const char *tanh = add(drawing, "Tanh", "tanh", INPUTS(softplus))->output[0];
    return add(drawing, "Mul", "mish", INPUTS(x, tanh))->output[0];
}

/* BatchNorm with the running statistics. x becomes its result. */
static enum spira_code batch_norm(struct drawing *drawing, const char **x, struct spira_error *err)
{
    const char *weights[4] = {NULL};
    for (size_t i = 0; i < 4; i++) {
        enum spira_code code = add_weight(drawing, 0, &weights[i], err);
        if (code != SPIRA_OK)
            return code;
    }
    drawing->next++; /* num_batches_tracked, which inference does not need */
    Onnx__NodeProto *norm = add(drawing, "BatchNormalization", "norm",
                                INPUTS(*x, weights[0], weights[1], weights[2], weights[3]));
    spira_onnx_float(norm, "epsilon", norm_epsilon);
    *x = norm->output[0];
    return SPIRA_OK;
}

/* GroupNorm: the channels of a group as one channel, normalised for each window, and back; then
 * each channel's own gamma and beta. x (batch, channels, time, features) becomes its result. */
static enum spira_code group_norm(struct drawing *drawing, const struct spira_conv *conv,
                                  const char **x, struct spira_error *err)
{
    const char *gamma = NULL, *beta = NULL;
    enum spira_code code = add_weight(drawing, 2, &gamma, err);
    if (code == SPIRA_OK)
        code = add_weight(drawing, 2, &beta, err);
    float ones[SPIRA_MAX_CHANNELS], zeros[SPIRA_MAX_CHANNELS] = {0};
    for (size_t i = 0; i < conv->groups; i++)
        ones[i] = 1;
    SPIRA_CLEANUP(spira_free_at)
    char *scale = spira_format("%s/ones", drawing->part);
    SPIRA_CLEANUP(spira_free_at)
    char *shift = spira_format("%s/zeros", drawing->part);
    if (code == SPIRA_OK)
        code = spira_onnx_float_tensor(drawing->graph, scale, &conv->groups, 1, ones, err);
    if (code == SPIRA_OK)
        code = spira_onnx_float_tensor(drawing->graph, shift, &conv->groups, 1, zeros, err);
    if (code != SPIRA_OK)
        return code;
    const char *groups = reshape(drawing, "groups", *x, INTS(0, (int64_t)conv->groups, -1));
    Onnx__NodeProto *norm =
        add(drawing, "InstanceNormalization", "normal", INPUTS(groups, scale, shift));
    spira_onnx_float(norm, "epsilon", norm_epsilon);
    const char *channels = reshape(drawing, "channels", norm->output[0],
                                   INTS(0, (int64_t)conv->out, -1, (int64_t)drawing->features));
    const char *scaled = add(drawing, "Mul", "scaled", INPUTS(channels, gamma))->output[0];
    *x = add(drawing, "Add", "norm", INPUTS(scaled, beta))->output[0];
    return SPIRA_OK;
}

/* A convolution and what follows it. x (batch, channels, time, features) becomes its result. */
static enum spira_code convolution(struct drawing *drawing, const struct spira_conv *conv,
                                   enum spira_norm norm, const char **x, struct spira_error *err)
{
    const char *weight = NULL, *bias = NULL;
    enum spira_code code = add_weight(drawing, 0, &weight, err);
    if (code == SPIRA_OK)
        code = add_weight(drawing, 0, &bias, err);
    if (code != SPIRA_OK)
        return code;
    Onnx__NodeProto *node = add(drawing, "Conv", "conv", INPUTS(*x, weight, bias));
    spira_onnx_ints(node, "dilations", INTS((int64_t)conv->dilation, 1));
    spira_onnx_ints(node, "kernel_shape", INTS((int64_t)conv->kernel, 1));
    *x = node->output[0];
    code =
        norm == SPIRA_BATCH_NORM ? batch_norm(drawing, x, err) : group_norm(drawing, conv, x, err);
    if (code != SPIRA_OK)
        return code;
    *x = mish(drawing, *x);
    if (conv->pooled) {
        Onnx__NodeProto *pool = add(drawing, "MaxPool", "pool", INPUTS(*x));
        spira_onnx_ints(pool, "kernel_shape", INTS(SPIRA_POOL, 1));
        spira_onnx_ints(pool, "strides", INTS(SPIRA_POOL, 1));
        *x = pool->output[0];
    }
    return SPIRA_OK;
}

/* y = W x + b over the last dimension. x becomes its result. */
static enum spira_code linear(struct drawing *drawing, const char **x, struct spira_error *err)
{
    const char *weight = NULL, *bias = NULL;
    enum spira_code code = add_weight(drawing, 0, &weight, err);
    if (code == SPIRA_OK)
        code = add_weight(drawing, 0, &bias, err);
    if (code != SPIRA_OK)
        return code;
    Onnx__NodeProto *turned = add(drawing, "Transpose", "turned", INPUTS(weight));
    spira_onnx_ints(turned, "perm", INTS(1, 0));
    const char *product =
        add(drawing, "MatMul", "product", INPUTS(*x, turned->output[0]))->output[0];
    *x = add(drawing, "Add", "sum", INPUTS(product, bias))->output[0];
    return SPIRA_OK;
}

/* From conv4's result x (batch, channels, time, features) to the probabilities. */
static enum spira_code head(struct drawing *drawing, bool per_frame, const char *x,
                            struct spira_error *err)
{
    snprintf(drawing->part, sizeof drawing->part, "fc1");
    Onnx__NodeProto *by_time = add(drawing, "Transpose", "by_time", INPUTS(x));
    spira_onnx_ints(by_time, "perm", INTS(0, 2, 1, 3));
    const size_t inputs = drawing->next->shape[1];
    x = per_frame ? reshape(drawing, "input", by_time->output[0], INTS(0, -1, (int64_t)inputs))
                  : reshape(drawing, "input", by_time->output[0], INTS(0, (int64_t)inputs));
    enum spira_code code = linear(drawing, &x, err);
    if (code != SPIRA_OK)
        return code;
    x = mish(drawing, x);
    snprintf(drawing->part, sizeof drawing->part, "fc2");
    code = linear(drawing, &x, err);
    if (code != SPIRA_OK)
        return code;
    x = add(drawing, "Sigmoid", "sigmoid", INPUTS(x))->output[0];
    static const int64_t by_window[] = {-1}, by_step[] = {0, -1};
    spira_onnx_int_tensor(drawing->graph, "probability_shape", per_frame ? by_step : by_window,
                          per_frame ? 2 : 1);
    spira_onnx_node(drawing->graph, "Reshape", "probability", INPUTS(x, "probability_shape"));
    return SPIRA_OK;
}

static enum spira_code draw(Onnx__GraphProto *graph, const struct spira_exported_model *model,
                            struct spira_error *err)
{
    const struct spira_model_description *description = model->description;
    const bool per_frame = description->frames == 0;
    const size_t features = description->feature_count;
    size_t count;
    struct drawing drawing = {.graph = graph,
                              .next = spira_network_parameters(model->network, &count),
                              .features = features,
                              .part = "input"};
    const struct spira_onnx_dimension input[] = {
        {.any = "batch"},
        {.any = per_frame ? "frames" : NULL, .size = description->frames},
        {.size = features}};
    const struct spira_onnx_dimension output[] = {{.any = "batch"}, {.any = "time"}};
    spira_onnx_input(graph, "features", input, 3);
    spira_onnx_output(graph, "probability", output, per_frame ? 2 : 1);
    const char *x = reshape(&drawing, "channel", "features", INTS(0, 1, -1, (int64_t)features));
    for (size_t i = 0; i < SPIRA_CONVS; i++) {
        snprintf(drawing.part, sizeof drawing.part, "conv%zu", i + 1);
        enum spira_code code =
            convolution(&drawing, &spira_convs[i], description->model.norm, &x, err);
        if (code != SPIRA_OK)
            return code;
    }
    return head(&drawing, per_frame, x, err);
}

/* Everything around the graph. It says nothing of where the model lies or who calls it what, so
 * that its bytes depend on the model alone. */
static void frame(Onnx__ModelProto *file, const struct spira_exported_model *model)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_model_description_write(model->description);
    const struct spira_value *configuration = spira_value_get(document, "configuration");
    const char *name = spira_value_as_text(spira_value_find(configuration, "model.name"), "");
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(configuration, SPIRA_CANONICAL);
    file->has_ir_version = true;
    file->ir_version = IR_VERSION;
    file->producer_name = spira_copy_text("spira");
    file->producer_version = spira_copy_text(model->version);
    Onnx__OperatorSetIdProto *operators = spira_alloc(1, sizeof *operators);
    onnx__operator_set_id_proto__init(operators);
    operators->domain = spira_copy_text("");
    operators->has_version = true;
    operators->version = OPERATOR_SET;
    file->opset_import = spira_alloc(1, sizeof *file->opset_import);
    file->opset_import[file->n_opset_import++] = operators;
    file->graph->name = spira_copy_text(name);
    spira_onnx_metadata(file, "configuration", text);
    spira_onnx_metadata(file, "model", name);
    spira_onnx_metadata(file, "sha256", model->sha256);
}

static void free_file(Onnx__ModelProto **file)
{
    onnx__model_proto__free_unpacked(*file, NULL);
}

static enum spira_code write_onnx(void *self, const struct spira_exported_model *model,
                                  const char *path, struct spira_error *err)
{
    (void)self;
    SPIRA_CLEANUP(free_file)
    Onnx__ModelProto *file = spira_alloc(1, sizeof *file);
    onnx__model_proto__init(file);
    file->graph = spira_alloc(1, sizeof *file->graph);
    onnx__graph_proto__init(file->graph);
    frame(file, model);
    enum spira_code code = draw(file->graph, model, err);
    if (code != SPIRA_OK)
        return code;
    size_t size = onnx__model_proto__get_packed_size(file);
    if (size > MAX_BYTES)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: %zu bytes: an ONNX file has at most %d", path,
                          size, (int)MAX_BYTES);
    SPIRA_CLEANUP(spira_free_at)
    uint8_t *bytes = NULL;
    code = spira_big_alloc(&bytes, size, 1, "an ONNX file", err);
    if (code != SPIRA_OK)
        return code;
    onnx__model_proto__pack(file, bytes);
    return spira_file_write(path, bytes, size, err);
}

struct spira_model_export spira_model_export_onnx(void)
{
    static const struct spira_model_export_ops ops = {.format = "onnx", .write = write_onnx};
    return (struct spira_model_export){.ops = &ops};
}
