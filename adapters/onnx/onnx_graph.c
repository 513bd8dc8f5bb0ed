#include "adapters/onnx/onnx_graph.h"

static char **copy_names(const char *const *names, size_t count)
{
    char **copies = spira_alloc(count, sizeof *copies);
    for (size_t i = 0; i < count; i++)
        copies[i] = spira_copy_text(names[i]);
    return copies;
}

Onnx__NodeProto *spira_onnx_node(Onnx__GraphProto *graph, const char *op, const char *name,
                                 const char *const *inputs)
{
    Onnx__NodeProto *node = spira_alloc(1, sizeof *node);
    onnx__node_proto__init(node);
    while (inputs[node->n_input])
        node->n_input++;
    node->input = copy_names(inputs, node->n_input);
    node->output = copy_names(&name, node->n_output = 1);
    node->name = spira_copy_text(name);
    node->op_type = spira_copy_text(op);
    graph->node = spira_realloc(graph->node, graph->n_node + 1, sizeof *graph->node);
    graph->node[graph->n_node++] = node;
    return node;
}

static Onnx__AttributeProto *add_attribute(Onnx__NodeProto *node, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute = spira_alloc(1, sizeof *attribute);
    onnx__attribute_proto__init(attribute);
    attribute->name = spira_copy_text(name);
    attribute->has_type = true;
    attribute->type = type;
    node->attribute =
        spira_realloc(node->attribute, node->n_attribute + 1, sizeof *node->attribute);
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void spira_onnx_ints(Onnx__NodeProto *node, const char *name, const int64_t *values, size_t count)
{
    Onnx__AttributeProto *attribute =
        add_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    attribute->ints = spira_alloc(count, sizeof *attribute->ints);
    memcpy(attribute->ints, values, count * sizeof *values);
    attribute->n_ints = count;
}

void spira_onnx_float(Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *attribute =
        add_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    attribute->has_f = true;
    attribute->f = value;
}

/* Adds a tensor without its data. */
static Onnx__TensorProto *add_tensor(Onnx__GraphProto *graph, const char *name,
                                     Onnx__TensorProto__DataType type, const size_t *shape,
                                     size_t rank)
{
    Onnx__TensorProto *tensor = spira_alloc(1, sizeof *tensor);
    onnx__tensor_proto__init(tensor);
    tensor->name = spira_copy_text(name);
    tensor->has_data_type = true;
    tensor->data_type = (int32_t)type;
    tensor->dims = spira_alloc(rank, sizeof *tensor->dims);
    for (size_t i = 0; i < rank; i++)
        tensor->dims[tensor->n_dims++] = (int64_t)shape[i];
    graph->initializer =
        spira_realloc(graph->initializer, graph->n_initializer + 1, sizeof *graph->initializer);
    graph->initializer[graph->n_initializer++] = tensor;
    return tensor;
}

enum spira_code spira_onnx_float_tensor(Onnx__GraphProto *graph, const char *name,
                                        const size_t *shape, size_t rank, const float *values,
                                        struct spira_error *err)
{
    size_t count = 1;
    for (size_t i = 0; i < rank; i++)
        count *= shape[i];
    uint8_t *data = NULL;
    enum spira_code code = spira_big_alloc(&data, count, sizeof *values, name, err);
    if (code != SPIRA_OK)
        return code;
    memcpy(data, values, count * sizeof *values);
    Onnx__TensorProto *tensor =
        add_tensor(graph, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, shape, rank);
    tensor->has_raw_data = true; /* little-endian, as ours */
    tensor->raw_data = (ProtobufCBinaryData){.len = count * sizeof *values, .data = data};
    return SPIRA_OK;
}

void spira_onnx_int_tensor(Onnx__GraphProto *graph, const char *name, const int64_t *values,
                           size_t count)
{
    Onnx__TensorProto *tensor =
        add_tensor(graph, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, &count, 1);
    tensor->int64_data = spira_alloc(count, sizeof *tensor->int64_data);
    memcpy(tensor->int64_data, values, count * sizeof *values);
    tensor->n_int64_data = count;
}

static Onnx__TensorShapeProto *new_shape(const struct spira_onnx_dimension *dimensions, size_t rank)
{
    Onnx__TensorShapeProto *shape = spira_alloc(1, sizeof *shape);
    onnx__tensor_shape_proto__init(shape);
    shape->dim = spira_alloc(rank, sizeof *shape->dim);
    for (size_t i = 0; i < rank; i++) {
        Onnx__TensorShapeProto__Dimension *dimension = spira_alloc(1, sizeof *dimension);
        onnx__tensor_shape_proto__dimension__init(dimension);
        if (dimensions[i].any) {
            dimension->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dimension->dim_param = spira_copy_text(dimensions[i].any);
        } else {
            dimension->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dimension->dim_value = (int64_t)dimensions[i].size;
        }
        shape->dim[shape->n_dim++] = dimension;
    }
    return shape;
}

static Onnx__ValueInfoProto *new_value(const char *name,
                                       const struct spira_onnx_dimension *dimensions, size_t rank)
{
    Onnx__TypeProto__Tensor *tensor = spira_alloc(1, sizeof *tensor);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = new_shape(dimensions, rank);
    Onnx__TypeProto *type = spira_alloc(1, sizeof *type);
    onnx__type_proto__init(type);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    Onnx__ValueInfoProto *value = spira_alloc(1, sizeof *value);
    onnx__value_info_proto__init(value);
    value->name = spira_copy_text(name);
    value->type = type;
    return value;
}

void spira_onnx_input(Onnx__GraphProto *graph, const char *name,
                      const struct spira_onnx_dimension *dimensions, size_t rank)
{
    graph->input = spira_realloc(graph->input, graph->n_input + 1, sizeof *graph->input);
    graph->input[graph->n_input++] = new_value(name, dimensions, rank);
}

void spira_onnx_output(Onnx__GraphProto *graph, const char *name,
                       const struct spira_onnx_dimension *dimensions, size_t rank)
{
    graph->output = spira_realloc(graph->output, graph->n_output + 1, sizeof *graph->output);
    graph->output[graph->n_output++] = new_value(name, dimensions, rank);
}

void spira_onnx_metadata(Onnx__ModelProto *model, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = spira_alloc(1, sizeof *entry);
    onnx__string_string_entry_proto__init(entry);
    entry->key = spira_copy_text(key);
    entry->value = spira_copy_text(value);
    model->metadata_props = spira_realloc(model->metadata_props, model->n_metadata_props + 1,
                                          sizeof *model->metadata_props);
    model->metadata_props[model->n_metadata_props++] = entry;
}
