#include "core/ports/tensors.h"

#include <string.h>

const struct spira_tensor *spira_tensor_find(const struct spira_tensor_file *file, const char *name)
{
    size_t low = 0, high = file->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, file->tensors[middle].name);
        if (order == 0)
            return &file->tensors[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void write_shape(size_t rank, const size_t *shape, char *ret_text, size_t size)
{
    size_t used = (size_t)snprintf(ret_text, size, "(");
    for (size_t i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(ret_text + used, size - used, "%s%zu", i ? ", " : "", shape[i]);
    if (used < size)
        snprintf(ret_text + used, size - used, ")");
}

enum spira_code spira_tensor_expect(const struct spira_tensor_file *file, const char *path,
                                    const char *name, enum spira_dtype dtype, size_t rank,
                                    const size_t *shape, void *ret_data, struct spira_error *err)
{
    const struct spira_tensor *tensor = spira_tensor_find(file, name);
    if (!tensor)
        return spira_fail(err, SPIRA_EINVALID, "%s: no tensor '%s'", path, name);
    bool same = tensor->rank == rank && tensor->dtype == dtype;
    for (size_t i = 0; same && i < rank; i++)
        same = tensor->shape[i] == shape[i];
    if (!same) {
        char found[200], wanted[200];
        write_shape(tensor->rank, tensor->shape, found, sizeof found);
        write_shape(rank, shape, wanted, sizeof wanted);
        return spira_fail(
            err, SPIRA_EINVALID, "%s: tensor '%s' has %s%s where %s is needed", path, name,
            tensor->dtype == dtype ? "shape " : "another element type and shape ", found, wanted);
    }
    memcpy(ret_data, &tensor->data, sizeof tensor->data);
    return SPIRA_OK;
}

enum spira_code spira_tensors_write(struct spira_tensors port, const char *path,
                                    const struct spira_tensor *tensors, size_t count,
                                    const struct spira_value *metadata, struct spira_error *err)
{
    void *writer = NULL;
    enum spira_code code =
        port.ops->create(port.self, path, tensors, count, metadata, &writer, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = port.ops->append(
            writer, tensors[i].data,
            spira_tensor_elements(&tensors[i]) * spira_dtype_size(tensors[i].dtype), err);
    if (code == SPIRA_OK)
        return port.ops->finish(writer, err);
    port.ops->abandon(writer);
    return code;
}
