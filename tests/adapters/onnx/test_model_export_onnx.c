/* What the file says; that it computes the same as ours is tests/interop/. */
#include "adapters/onnx/model_export_onnx.h"

#include <onnx/onnx.pb-c.h>
#include <unistd.h>

#include "core/base/file.h"
#include "tests/drawn_model.h"

enum { MAX_BYTES = 1 << 20 };

static char folder[64], path[96];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/spira-test-onnx-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.onnx", folder);
}

static void tear_down(void)
{
    struct spira_error err;
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
}

TestSuite(model_export_onnx, .init = set_up, .fini = tear_down);

static enum spira_code export_to(const char *out, const struct drawn_model *drawn,
                                 struct spira_error *err)
{
    const struct spira_exported_model model = {.network = drawn->network,
                                               .description = &drawn->description,
                                               .sha256 = "abc123",
                                               .version = "1.2.3"};
    return spira_model_export_write(spira_model_export_onnx(), &model, out, err);
}

static struct spira_bytes exported(const struct drawn_model *drawn)
{
    struct spira_error err = {0};
    struct spira_bytes bytes = {0};
    cr_assert_eq(export_to(path, drawn, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_file_read(path, MAX_BYTES, &bytes, &err), SPIRA_OK);
    return bytes;
}

/* The exported file read back; freed with onnx__model_proto__free_unpacked. */
static Onnx__ModelProto *read_back(const struct drawn_model *drawn)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = exported(drawn);
    Onnx__ModelProto *file = onnx__model_proto__unpack(NULL, bytes.size, bytes.data);
    cr_assert_not_null(file);
    return file;
}

static const char *metadata(const Onnx__ModelProto *file, const char *key)
{
    for (size_t i = 0; i < file->n_metadata_props; i++)
        if (strcmp(file->metadata_props[i]->key, key) == 0)
            return file->metadata_props[i]->value;
    return "";
}

static const Onnx__TensorProto *weight(const Onnx__ModelProto *file, const char *name)
{
    for (size_t i = 0; i < file->graph->n_initializer; i++)
        if (strcmp(file->graph->initializer[i]->name, name) == 0)
            return file->graph->initializer[i];
    return NULL;
}

static size_t count_operators(const Onnx__ModelProto *file, const char *op)
{
    size_t count = 0;
    for (size_t i = 0; i < file->graph->n_node; i++)
        count += strcmp(file->graph->node[i]->op_type, op) == 0;
    return count;
}

/* "batch 61 2" */
static char *shape_of(const Onnx__ValueInfoProto *value)
{
    char *text = spira_copy_text("");
    const Onnx__TensorShapeProto *shape = value->type->tensor_type->shape;
    cr_assert_eq(value->type->tensor_type->elem_type, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    for (size_t i = 0; i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dimension = shape->dim[i];
        bool any = dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        char *longer = any ? spira_format("%s%s ", text, dimension->dim_param)
                           : spira_format("%s%jd ", text, (intmax_t)dimension->dim_value);
        free(text);
        text = longer;
    }
    return text;
}

static void expect_shapes(const Onnx__ModelProto *file, const char *input, const char *output)
{
    cr_assert_eq(file->graph->n_input, 1);
    cr_assert_eq(file->graph->n_output, 1);
    cr_assert_str_eq(file->graph->input[0]->name, "features");
    cr_assert_str_eq(file->graph->output[0]->name, "probability");
    SPIRA_CLEANUP(spira_free_at)
    char *in = shape_of(file->graph->input[0]);
    SPIRA_CLEANUP(spira_free_at)
    char *out = shape_of(file->graph->output[0]);
    cr_assert_str_eq(in, input);
    cr_assert_str_eq(out, output);
}

Test(model_export_onnx, says_what_it_is_and_where_it_comes_from)
{
    struct drawn_model drawn = drawn_model("spiraconv_v2", false, 1);
    Onnx__ModelProto *file = read_back(&drawn);
    cr_assert_eq(file->ir_version, 7);
    cr_assert_eq(file->n_opset_import, 1);
    cr_assert_eq(file->opset_import[0]->version, 13);
    cr_assert_str_eq(file->producer_name, "spira");
    cr_assert_str_eq(file->producer_version, "1.2.3");
    cr_assert_str_eq(file->graph->name, "spiraconv_v2");
    cr_assert_str_eq(metadata(file, "model"), "spiraconv_v2");
    cr_assert_str_eq(metadata(file, "sha256"), "abc123");
    cr_assert(strstr(metadata(file, "configuration"), "\"num_mfcc\":2,"), "%s",
              metadata(file, "configuration"));
    expect_shapes(file, "batch 61 2 ", "batch ");
    onnx__model_proto__free_unpacked(file, NULL);
    spira_network_free(drawn.network);
}

Test(model_export_onnx, per_frame_takes_any_number_of_frames_and_gives_a_probability_for_each_step)
{
    struct drawn_model drawn = drawn_model("spiraconv_v1", true, 1);
    Onnx__ModelProto *file = read_back(&drawn);
    expect_shapes(file, "batch frames 2 ", "batch time ");
    onnx__model_proto__free_unpacked(file, NULL);
    spira_network_free(drawn.network);
}

Test(model_export_onnx, has_every_weight_to_the_bit_and_the_norm_of_its_version)
{
    static const char *const names[] = {"spiraconv_v1", "spiraconv_v2"};
    for (size_t version = 0; version < 2; version++) {
        struct drawn_model drawn = drawn_model(names[version], false, 5);
        Onnx__ModelProto *file = read_back(&drawn);
        size_t count;
        const struct spira_parameter *parameters = spira_network_parameters(drawn.network, &count);
        for (size_t i = 0; i < count; i++) {
            const Onnx__TensorProto *tensor = weight(file, parameters[i].name);
            if (parameters[i].number) {
                cr_assert_null(tensor);
                continue;
            }
            cr_assert_not_null(tensor, "%s", parameters[i].name);
            cr_assert_eq(tensor->raw_data.len, parameters[i].count * sizeof(float));
            cr_assert_arr_eq((const char *)tensor->raw_data.data, (const char *)parameters[i].value,
                             tensor->raw_data.len);
        }
        cr_assert_eq(count_operators(file, "BatchNormalization"), version == 0 ? 4 : 0);
        cr_assert_eq(count_operators(file, "InstanceNormalization"), version == 0 ? 0 : 4);
        cr_assert_eq(count_operators(file, "Conv"), 4);
        cr_assert_eq(count_operators(file, "MaxPool"), 3);
        onnx__model_proto__free_unpacked(file, NULL);
        spira_network_free(drawn.network);
    }
}

Test(model_export_onnx, the_same_model_gives_the_same_bytes_and_another_one_others)
{
    struct drawn_model models[] = {drawn_model("spiraconv_v2", false, 1),
                                   drawn_model("spiraconv_v2", false, 1),
                                   drawn_model("spiraconv_v2", false, 2)};
    struct spira_bytes bytes[3];
    for (size_t i = 0; i < 3; i++)
        bytes[i] = exported(&models[i]);
    cr_assert_eq(bytes[0].size, bytes[1].size);
    cr_assert_arr_eq((char *)bytes[0].data, (char *)bytes[1].data, bytes[0].size);
    cr_assert_eq(bytes[0].size, bytes[2].size);
    cr_assert(memcmp(bytes[0].data, bytes[2].data, bytes[0].size) != 0);
    for (size_t i = 0; i < 3; i++) {
        spira_bytes_done(&bytes[i]);
        spira_network_free(models[i].network);
    }
}

Test(model_export_onnx, where_it_cannot_be_written_is_named_and_nothing_is_left)
{
    struct drawn_model drawn = drawn_model("spiraconv_v2", false, 1);
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *nowhere = spira_format("%s/nowhere/model.onnx", folder);
    cr_assert_eq(export_to(nowhere, &drawn, &err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, nowhere), "%s", err.message);
    cr_assert_neq(access(nowhere, F_OK), 0);
    spira_network_free(drawn.network);
}
