#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/safetensors/safetensors_parts.h"

struct writer {
    FILE *file;
    char *path;
    char *temporary; /* beside path; renamed to it at the end */
    size_t data_size;
    size_t written; /* of data_size */
};

static void free_writer(struct writer *writer)
{
    if (writer->file)
        fclose(writer->file);
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

/* {"dtype", "shape", "data_offsets"} of a tensor whose data begins at offset; moves offset behind
 * it. */
static enum spira_code describe(const struct spira_tensor *tensor, size_t *offset,
                                struct spira_value **ret_entry, struct spira_error *err)
{
    size_t end = spira_dtype_size(tensor->dtype);
    bool fits = true;
    for (size_t i = 0; i < tensor->rank; i++)
        fits &= !__builtin_mul_overflow(end, tensor->shape[i], &end);
    fits &= !__builtin_add_overflow(end, *offset, &end);
    if (!fits || end > INT64_MAX)
        return spira_fail(err, SPIRA_EBUG, "tensor '%s' is larger than any file", tensor->name);
    struct spira_value *entry = spira_value_map();
    spira_value_set_text(entry, "dtype", spira_safetensors_dtypes[tensor->dtype]);
    struct spira_value *shape = spira_value_set(entry, "shape", spira_value_list());
    for (size_t i = 0; i < tensor->rank; i++)
        spira_value_append(shape, spira_value_int((int64_t)tensor->shape[i]));
    struct spira_value *offsets = spira_value_set(entry, "data_offsets", spira_value_list());
    spira_value_append(offsets, spira_value_int((int64_t)*offset));
    spira_value_append(offsets, spira_value_int((int64_t)end));
    *offset = end;
    *ret_entry = entry;
    return SPIRA_OK;
}

static bool name_fits(const struct spira_value *header, const char *name)
{
    return *name && strlen(name) <= SPIRA_TENSOR_MAX_NAME && !spira_value_get(header, name) &&
           strcmp(name, SPIRA_SAFETENSORS_METADATA) != 0;
}

static enum spira_code make_header(const struct spira_tensor *tensors, size_t count,
                                   const struct spira_value *metadata, char **ret_text,
                                   size_t *ret_data_size, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *header = spira_value_map();
    for (size_t i = 0; i < spira_value_count(metadata); i++)
        if (spira_value_type(spira_value_at(metadata, i)) != SPIRA_TEXT)
            return spira_fail(err, SPIRA_EBUG, "metadata '%s' is no text",
                              spira_value_key_at(metadata, i));
    if (spira_value_count(metadata) > 0)
        spira_value_set(header, SPIRA_SAFETENSORS_METADATA, spira_value_copy(metadata));
    size_t data_size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!name_fits(header, tensors[i].name) || tensors[i].rank > SPIRA_TENSOR_MAX_RANK)
            return spira_fail(err, SPIRA_EBUG, "a tensor cannot be named '%s' or have rank %zu",
                              tensors[i].name, tensors[i].rank);
        struct spira_value *entry = NULL;
        enum spira_code code = describe(&tensors[i], &data_size, &entry, err);
        if (code != SPIRA_OK)
            return code;
        spira_value_set(header, tensors[i].name, entry);
    }
    *ret_text = spira_value_to_text(header, SPIRA_COMPACT);
    *ret_data_size = data_size;
    return SPIRA_OK;
}

/* The header's length and text, with spaces up to a multiple of 8, so that the data is aligned. */
static bool write_header(FILE *file, const char *text)
{
    uint64_t length = (strlen(text) + 7) / 8 * 8;
    return fwrite(&length, sizeof length, 1, file) == 1 &&
           fprintf(file, "%-*s", (int)length, text) == (int)length;
}

enum spira_code spira_safetensors_create(void *self, const char *path,
                                         const struct spira_tensor *tensors, size_t count,
                                         const struct spira_value *metadata, void **ret_writer,
                                         struct spira_error *err)
{
    (void)self;
    SPIRA_CLEANUP(spira_free_at)
    char *header = NULL;
    size_t data_size = 0;
    enum spira_code code = make_header(tensors, count, metadata, &header, &data_size, err);
    if (code != SPIRA_OK)
        return spira_fail_within(err, "%s", path);
    struct writer *writer = spira_alloc(1, sizeof *writer);
    writer->path = spira_copy_text(path);
    writer->temporary = spira_format("%s.XXXXXX", path);
    writer->data_size = data_size;
    int fd = mkostemp(writer->temporary, O_CLOEXEC);
    if (fd < 0) {
        code = spira_fail_errno(err, errno, "%s", path);
        free_writer(writer);
        return code;
    }
    writer->file = fdopen(fd, "wb");
    if (!writer->file || !write_header(writer->file, header)) {
        code = spira_fail_errno(err, errno, "%s", path);
        if (!writer->file)
            close(fd);
        spira_safetensors_abandon(writer);
        return code;
    }
    *ret_writer = writer;
    return SPIRA_OK;
}

enum spira_code spira_safetensors_append(void *self, const void *data, size_t size,
                                         struct spira_error *err)
{
    struct writer *writer = self;
    if (size > writer->data_size - writer->written)
        return spira_fail(err, SPIRA_EBUG, "%s: %zu bytes more than its %zu bytes of data",
                          writer->path, size - (writer->data_size - writer->written),
                          writer->data_size);
    if (fwrite(data, 1, size, writer->file) < size)
        return spira_fail_errno(err, errno, "%s", writer->path);
    writer->written += size;
    return SPIRA_OK;
}

/* A rename is durable when its folder is. */
static bool sync_folder(const char *path)
{
    SPIRA_CLEANUP(spira_free_at)
    char *copy = spira_copy_text(path);
    SPIRA_CLEANUP(spira_close_at)
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder >= 0 && fsync(folder) == 0;
}

enum spira_code spira_safetensors_finish(void *self, struct spira_error *err)
{
    struct writer *writer = self;
    enum spira_code code = SPIRA_OK;
    int fd = fileno(writer->file);
    if (writer->written < writer->data_size)
        code = spira_fail(err, SPIRA_EBUG, "%s: %zu of its %zu bytes of data are missing",
                          writer->path, writer->data_size - writer->written, writer->data_size);
    else if (fflush(writer->file) != 0 || fchmod(fd, 0644) != 0 || fsync(fd) != 0 ||
             rename(writer->temporary, writer->path) != 0)
        code = spira_fail_errno(err, errno, "%s", writer->path);
    if (code != SPIRA_OK) {
        spira_safetensors_abandon(writer);
        return code;
    }
    if (!sync_folder(writer->path)) {
        code = spira_fail_errno(err, errno, "%s", writer->path);
        unlink(writer->path);
    }
    free_writer(writer);
    return code;
}

void spira_safetensors_abandon(void *self)
{
    struct writer *writer = self;
    if (!writer)
        return;
    unlink(writer->temporary);
    free_writer(writer);
}
