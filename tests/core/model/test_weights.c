#include "core/model/weights.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "adapters/plain/matrix_plain.h"
#include "adapters/safetensors/safetensors.h"
#include "core/base/file.h"

enum { FRAMES = 64, FEATURES = 3 };

static char path[] = "/tmp/spira-weights-XXXXXX";
static struct spira_error err;

static void set_up(void)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(path);
}

TestSuite(weights, .init = set_up, .fini = tear_down);

static struct spira_network *new_network(enum spira_norm norm, size_t fc1_dim)
{
    const struct spira_model_config config = {.norm = norm, .fc1_dim = fc1_dim, .fc2_dim = 1};
    struct spira_network *network = NULL;
    cr_assert_eq(
        spira_network_new(&config, FRAMES, FEATURES, spira_matrix_plain(), 1, &network, &err),
        SPIRA_OK);
    return network;
}

/* Every number another one. */
static void fill(struct spira_network *network)
{
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; parameters[i].value && j < parameters[i].count; j++)
            parameters[i].value[j] = (float)i + 1.0f / (float)(j + 2);
        if (parameters[i].number)
            *parameters[i].number = (int64_t)1 << (40 + i % 8);
    }
}

static void expect_equal(const struct spira_network *a, const struct spira_network *b)
{
    size_t count;
    const struct spira_parameter *x = spira_network_parameters(a, &count);
    const struct spira_parameter *y = spira_network_parameters(b, &count);
    for (size_t i = 0; i < count; i++) {
        if (x[i].value)
            cr_assert_eq(memcmp(x[i].value, y[i].value, x[i].count * sizeof(float)), 0, "%s",
                         x[i].name);
        else
            cr_assert_eq(*x[i].number, *y[i].number, "%s", x[i].name);
    }
}

static void round_trip(enum spira_norm norm)
{
    struct spira_network *written = new_network(norm, 5), *read = new_network(norm, 5);
    fill(written);
    cr_assert_eq(spira_weights_save(spira_tensors_safetensors(), path, written, &err), SPIRA_OK);
    cr_assert_eq(spira_weights_load(spira_tensors_safetensors(), path, read, &err), SPIRA_OK, "%s",
                 err.message);
    expect_equal(written, read);
    spira_network_free(written);
    spira_network_free(read);
}

Test(weights, of_v2_come_back_bit_by_bit)
{
    round_trip(SPIRA_GROUP_NORM);
}

Test(weights, of_v1_come_back_with_their_statistics)
{
    round_trip(SPIRA_BATCH_NORM);
}

/* What torch's state_dict of the published model names them. */
static const char *const v1_names[] = {"conv.0.bias",
                                       "conv.0.weight",
                                       "conv.1.bias",
                                       "conv.1.num_batches_tracked",
                                       "conv.1.running_mean",
                                       "conv.1.running_var",
                                       "conv.1.weight",
                                       "conv.10.bias",
                                       "conv.10.weight",
                                       "conv.11.bias",
                                       "conv.11.num_batches_tracked",
                                       "conv.11.running_mean",
                                       "conv.11.running_var",
                                       "conv.11.weight",
                                       "conv.15.bias",
                                       "conv.15.weight",
                                       "conv.16.bias",
                                       "conv.16.num_batches_tracked",
                                       "conv.16.running_mean",
                                       "conv.16.running_var",
                                       "conv.16.weight",
                                       "conv.5.bias",
                                       "conv.5.weight",
                                       "conv.6.bias",
                                       "conv.6.num_batches_tracked",
                                       "conv.6.running_mean",
                                       "conv.6.running_var",
                                       "conv.6.weight",
                                       "fc1.bias",
                                       "fc1.weight",
                                       "fc2.bias",
                                       "fc2.weight"};

Test(weights, are_named_and_shaped_as_the_framework_does)
{
    struct spira_network *network = new_network(SPIRA_BATCH_NORM, 5);
    cr_assert_eq(spira_weights_save(spira_tensors_safetensors(), path, network, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(spira_tensors_safetensors(), path, &file, &err), SPIRA_OK);
    cr_assert_eq(file.count, sizeof v1_names / sizeof *v1_names);
    for (size_t i = 0; i < file.count; i++)
        cr_assert_str_eq(file.tensors[i].name, v1_names[i]);
    const void *data;
    const size_t conv1[] = {32, 1, 7, 1}, one[] = {32};
    cr_assert_eq(
        spira_tensor_expect(&file, path, "conv.0.weight", SPIRA_F32, 4, conv1, &data, &err),
        SPIRA_OK);
    cr_assert_eq(
        spira_tensor_expect(&file, path, "conv.1.running_var", SPIRA_F32, 1, one, &data, &err),
        SPIRA_OK);
    cr_assert_eq(spira_tensor_expect(&file, path, "conv.1.num_batches_tracked", SPIRA_I64, 0, NULL,
                                     &data, &err),
                 SPIRA_OK);
    spira_network_free(network);
}

Test(weights, the_same_give_the_same_bytes)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes first = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes second = {0};
    struct spira_network *network = new_network(SPIRA_BATCH_NORM, 5);
    fill(network);
    cr_assert_eq(spira_weights_save(spira_tensors_safetensors(), path, network, &err), SPIRA_OK);
    cr_assert_eq(spira_file_read(path, 1 << 24, &first, &err), SPIRA_OK);
    cr_assert_eq(spira_weights_save(spira_tensors_safetensors(), path, network, &err), SPIRA_OK);
    cr_assert_eq(spira_file_read(path, 1 << 24, &second, &err), SPIRA_OK);
    cr_assert_eq(first.size, second.size);
    cr_assert_eq(memcmp(first.data, second.data, first.size), 0);
    spira_network_free(network);
}

Test(weights, of_another_shape_or_missing_are_refused_by_name)
{
    struct spira_network *written = new_network(SPIRA_GROUP_NORM, 5);
    struct spira_network *wider = new_network(SPIRA_GROUP_NORM, 6);
    struct spira_network *v1 = new_network(SPIRA_BATCH_NORM, 5);
    cr_assert_eq(spira_weights_save(spira_tensors_safetensors(), path, written, &err), SPIRA_OK);
    cr_assert_eq(spira_weights_load(spira_tensors_safetensors(), path, wider, &err),
                 SPIRA_EINVALID);
    cr_assert_not_null(strstr(err.message, "'fc1.weight' has shape (5, "), "%s", err.message);
    cr_assert_eq(spira_weights_load(spira_tensors_safetensors(), path, v1, &err), SPIRA_EINVALID);
    cr_assert_not_null(strstr(err.message, "no tensor 'conv.1.running_mean'"), "%s", err.message);
    cr_assert_eq(spira_weights_load(spira_tensors_safetensors(), "/nowhere.safetensors", v1, &err),
                 SPIRA_ENOTFOUND);
    spira_network_free(written);
    spira_network_free(wider);
    spira_network_free(v1);
}

Test(weights, are_found_behind_a_prefix_among_other_tensors)
{
    struct spira_network *network = new_network(SPIRA_GROUP_NORM, 5);
    struct spira_network *read = new_network(SPIRA_GROUP_NORM, 5);
    fill(network);
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    struct spira_tensor tensors[64] = {{.name = "input", .rank = 0, .data = &(float){1}}};
    char names[64][80];
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "weights.%s", parameters[i].name);
        tensors[i + 1] = (struct spira_tensor){
            .name = names[i], .rank = parameters[i].rank, .data = parameters[i].value};
        memcpy(tensors[i + 1].shape, parameters[i].shape, sizeof parameters[i].shape);
    }
    cr_assert_eq(
        spira_tensors_write(spira_tensors_safetensors(), path, tensors, count + 1, NULL, &err),
        SPIRA_OK);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(spira_tensors_safetensors(), path, &file, &err), SPIRA_OK);
    cr_assert_eq(spira_weights_read(&file, path, "weights.", read, &err), SPIRA_OK, "%s",
                 err.message);
    expect_equal(network, read);
    cr_assert_eq(spira_weights_read(&file, path, "", read, &err), SPIRA_EINVALID);
    spira_network_free(network);
    spira_network_free(read);
}
