#include "core/model/weights.h"

/* The parameter as a tensor; a count of batches is a number without dimensions. */
static struct spira_tensor as_tensor(const struct spira_parameter *parameter)
{
    struct spira_tensor tensor = {
        .name = parameter->name,
        .dtype = parameter->number ? SPIRA_I64 : SPIRA_F32,
        .rank = parameter->rank,
        .data = parameter->number ? (const void *)parameter->number : parameter->value,
    };
    for (size_t i = 0; i < parameter->rank; i++)
        tensor.shape[i] = parameter->shape[i];
    return tensor;
}

/* A number is written with no dimension or, by writers that know no such tensors, with one of 1. */
static void expect_number(const struct spira_tensor *found, struct spira_tensor *wanted)
{
    wanted->rank = found && found->rank == 1 ? 1 : 0;
    wanted->shape[0] = 1;
}

enum spira_code spira_weights_read(const struct spira_tensor_file *file, const char *path,
                                   const char *prefix, struct spira_network *network,
                                   struct spira_error *err)
{
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    for (size_t i = 0; i < count; i++) {
        struct spira_tensor wanted = as_tensor(&parameters[i]);
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("%s%s", prefix, wanted.name);
        if (parameters[i].number)
            expect_number(spira_tensor_find(file, name), &wanted);
        const void *data;
        enum spira_code code = spira_tensor_expect(file, path, name, wanted.dtype, wanted.rank,
                                                   wanted.shape, &data, err);
        if (code != SPIRA_OK)
            return code;
        void *own = parameters[i].number ? (void *)parameters[i].number : parameters[i].value;
        memcpy(own, data, spira_tensor_elements(&wanted) * spira_dtype_size(wanted.dtype));
    }
    return SPIRA_OK;
}

enum spira_code spira_weights_load(struct spira_tensors tensors, const char *path,
                                   struct spira_network *network, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    enum spira_code code = spira_tensors_open(tensors, path, &file, err);
    return code == SPIRA_OK ? spira_weights_read(&file, path, "", network, err) : code;
}

enum spira_code spira_weights_save(struct spira_tensors tensors, const char *path,
                                   const struct spira_network *network, struct spira_error *err)
{
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_tensor *list = spira_alloc(count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = as_tensor(&parameters[i]);
    return spira_tensors_write(tensors, path, list, count, NULL, err);
}
