#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/safetensors/safetensors_parts.h"
#include "core/base/text.h"

enum {
    LENGTH_BYTES = 8,
    /* The format allows 100 MB; a model of ours has kilobytes, and json-c needs a multiple. */
    HEADER_MAX = 16 << 20,
    HEADER_MAX_DEPTH = 4,
    METADATA_MAX = 4096 /* keys */
};

struct reader {
    const char *path; /* while opening */
    unsigned char *file;
    size_t file_size;
    const unsigned char *data;
    size_t data_size;
    struct json_object *header; /* owns the names */
    struct spira_value *metadata;
    struct spira_tensor *tensors;
    void **copies; /* of unaligned data, else NULL; by tensor */
    size_t count;
};

static void free_reader(struct reader *reader)
{
    for (size_t i = 0; reader->copies && i < reader->count; i++)
        free(reader->copies[i]);
    free(reader->copies);
    free(reader->tensors);
    spira_value_free(reader->metadata);
    json_object_put(reader->header);
    if (reader->file)
        munmap(reader->file, reader->file_size);
    free(reader);
}

static enum spira_code map_file(struct reader *reader, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return spira_fail_errno(err, errno, "%s", reader->path);
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", reader->path);
    if (!S_ISREG(facts.st_mode))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", reader->path);
    if (facts.st_size <= LENGTH_BYTES)
        return spira_fail(err, SPIRA_EINVALID, "%s: %jd bytes are too few for a safetensors file",
                          reader->path, (intmax_t)facts.st_size);
    reader->file_size = (size_t)facts.st_size;
    void *file = mmap(NULL, reader->file_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return spira_fail_errno(err, errno, "%s", reader->path);
    reader->file = file;
    return SPIRA_OK;
}

static enum spira_code read_header(struct reader *reader, struct spira_error *err)
{
    uint64_t length;
    memcpy(&length, reader->file, sizeof length);
    size_t rest = reader->file_size - LENGTH_BYTES;
    if (length > rest || length > HEADER_MAX)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: says its header has %ju bytes; %zu are there and %d allowed",
                          reader->path, (uintmax_t)length, rest, HEADER_MAX);
    const char *text = (const char *)reader->file + LENGTH_BYTES;
    reader->data = reader->file + LENGTH_BYTES + length;
    reader->data_size = rest - length;
    if (!spira_utf8_valid(text, length) || memchr(text, '\0', length))
        return spira_fail(err, SPIRA_EINVALID, "%s: its header is not text", reader->path);
    struct json_tokener *tokener = json_tokener_new_ex(HEADER_MAX_DEPTH);
    if (!tokener)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory to read it", reader->path);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    reader->header = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success)
        return spira_fail(err, SPIRA_EINVALID, "%s: its header is not JSON: %s", reader->path,
                          json_tokener_error_desc(error));
    if (!json_object_is_type(reader->header, json_type_object))
        return spira_fail(err, SPIRA_EINVALID, "%s: its header is no object", reader->path);
    return SPIRA_OK;
}

static enum spira_code read_metadata(struct reader *reader, struct json_object *metadata,
                                     struct spira_error *err)
{
    if (!json_object_is_type(metadata, json_type_object))
        return spira_fail(err, SPIRA_EINVALID, "%s: its metadata is no object", reader->path);
    if (json_object_object_length(metadata) > METADATA_MAX)
        return spira_fail(err, SPIRA_EINVALID, "%s: its metadata has %d keys; %d are allowed",
                          reader->path, json_object_object_length(metadata), METADATA_MAX);
    json_object_object_foreach(metadata, key, text)
    {
        if (!json_object_is_type(text, json_type_string))
            return spira_fail(err, SPIRA_EINVALID, "%s: its metadata '%s' is no text", reader->path,
                              key);
        spira_value_set_text(reader->metadata, key, json_object_get_string(text));
    }
    return SPIRA_OK;
}

/* A whole number that a size_t holds; json-c saturates what is beyond 64 bits, so UINT64_MAX may
 * stand for anything. */
static bool read_size(struct json_object *number, size_t *ret_size)
{
    if (!json_object_is_type(number, json_type_int) || json_object_get_int64(number) < 0)
        return false;
    uint64_t size = json_object_get_uint64(number);
    if (size == UINT64_MAX)
        return false;
    *ret_size = size;
    return true;
}

static bool read_sizes(struct json_object *list, size_t max_count, size_t *sizes, size_t *ret_count)
{
    if (!json_object_is_type(list, json_type_array))
        return false;
    size_t count = json_object_array_length(list);
    if (count > max_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_size(json_object_array_get_idx(list, i), &sizes[i]))
            return false;
    *ret_count = count;
    return true;
}

static bool read_dtype(struct json_object *name, enum spira_dtype *ret_dtype)
{
    for (int dtype = 0; dtype < SPIRA_SAFETENSORS_DTYPES; dtype++)
        if (json_object_is_type(name, json_type_string) &&
            strcmp(json_object_get_string(name), spira_safetensors_dtypes[dtype]) == 0) {
            *ret_dtype = (enum spira_dtype)dtype;
            return true;
        }
    return false;
}

/* Bytes of the tensor; false when they overflow. */
static bool tensor_bytes(const struct spira_tensor *tensor, size_t *ret_bytes)
{
    size_t bytes = spira_dtype_size(tensor->dtype);
    for (size_t i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(bytes, tensor->shape[i], &bytes))
            return false;
    *ret_bytes = bytes;
    return true;
}

static enum spira_code read_tensor(const struct reader *reader, const char *name,
                                   struct json_object *entry, struct spira_tensor *tensor,
                                   struct spira_error *err)
{
    *tensor = (struct spira_tensor){.name = name};
    if (*name == '\0' || strlen(name) > SPIRA_TENSOR_MAX_NAME)
        return spira_fail(err, SPIRA_EINVALID, "%s: a tensor's name of %zu bytes", reader->path,
                          strlen(name));
    struct json_object *dtype = json_object_object_get(entry, "dtype");
    if (!read_dtype(dtype, &tensor->dtype))
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: tensor '%s' has elements %s (F32, F64, I64, I32 or U8 are read)",
                          reader->path, name, json_object_to_json_string(dtype));
    struct json_object *shape = json_object_object_get(entry, "shape");
    size_t bytes;
    if (!read_sizes(shape, SPIRA_TENSOR_MAX_RANK, tensor->shape, &tensor->rank) ||
        !tensor_bytes(tensor, &bytes))
        return spira_fail(err, SPIRA_EINVALID, "%s: tensor '%s' has the shape %s", reader->path,
                          name, json_object_to_json_string(shape));
    struct json_object *offsets = json_object_object_get(entry, "data_offsets");
    size_t ends[2], count;
    if (!read_sizes(offsets, 2, ends, &count) || count != 2 || ends[0] > ends[1] ||
        ends[1] > reader->data_size || ends[1] - ends[0] != bytes)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: tensor '%s' of %zu bytes has the offsets %s in %zu bytes of data",
                          reader->path, name, bytes, json_object_to_json_string(offsets),
                          reader->data_size);
    tensor->data = reader->data + ends[0];
    tensor->offset = (size_t)(reader->data - reader->file) + ends[0];
    return SPIRA_OK;
}

static enum spira_code read_entries(struct reader *reader, struct spira_error *err)
{
    size_t entries = (size_t)json_object_object_length(reader->header);
    reader->metadata = spira_value_map();
    reader->tensors = spira_alloc(entries, sizeof *reader->tensors);
    json_object_object_foreach(reader->header, name, entry)
    {
        enum spira_code code;
        if (strcmp(name, SPIRA_SAFETENSORS_METADATA) == 0)
            code = read_metadata(reader, entry, err);
        else if (!json_object_is_type(entry, json_type_object))
            code = spira_fail(err, SPIRA_EINVALID, "%s: its entry '%s' is no object", reader->path,
                              name);
        else
            code = read_tensor(reader, name, entry, &reader->tensors[reader->count++], err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct spira_tensor *left = a, *right = b;
    size_t left_bytes = 0, right_bytes = 0;
    tensor_bytes(left, &left_bytes);
    tensor_bytes(right, &right_bytes);
    if (left->data != right->data)
        return (const char *)left->data < (const char *)right->data ? -1 : 1;
    return (left_bytes > right_bytes) - (left_bytes < right_bytes);
}

static int by_name(const void *a, const void *b)
{
    const struct spira_tensor *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* The tensors cover the data without hole or overlap, as the format wants it. This also finds a
 * name that is there twice: json-c keeps one of the two, and the other's data is a hole. */
static enum spira_code check_places(struct reader *reader, struct spira_error *err)
{
    qsort(reader->tensors, reader->count, sizeof *reader->tensors, by_place);
    size_t end = 0;
    for (size_t i = 0; i < reader->count; i++) {
        const struct spira_tensor *tensor = &reader->tensors[i];
        size_t bytes = 0;
        tensor_bytes(tensor, &bytes);
        if ((const unsigned char *)tensor->data != reader->data + end)
            return spira_fail(err, SPIRA_EINVALID,
                              "%s: the data of tensor '%s' begins at %zu, "
                              "that before it ends at %zu",
                              reader->path, tensor->name,
                              (size_t)((const unsigned char *)tensor->data - reader->data), end);
        end += bytes;
    }
    if (end != reader->data_size)
        return spira_fail(err, SPIRA_EINVALID, "%s: its tensors have %zu bytes, its data %zu",
                          reader->path, end, reader->data_size);
    qsort(reader->tensors, reader->count, sizeof *reader->tensors, by_name);
    return SPIRA_OK;
}

static enum spira_code copy_unaligned(struct reader *reader, struct spira_error *err)
{
    reader->copies = spira_alloc(reader->count, sizeof *reader->copies);
    for (size_t i = 0; i < reader->count; i++) {
        struct spira_tensor *tensor = &reader->tensors[i];
        if ((uintptr_t)tensor->data % spira_dtype_size(tensor->dtype) == 0)
            continue;
        size_t bytes = 0;
        tensor_bytes(tensor, &bytes);
        enum spira_code code = spira_big_alloc(&reader->copies[i], bytes, 1, reader->path, err);
        if (code != SPIRA_OK)
            return code;
        memcpy(reader->copies[i], tensor->data, bytes);
        tensor->data = reader->copies[i];
    }
    return SPIRA_OK;
}

enum spira_code spira_safetensors_open(void *self, const char *path,
                                       struct spira_tensor_file *ret_file, struct spira_error *err)
{
    (void)self;
    struct reader *reader = spira_alloc(1, sizeof *reader);
    reader->path = path;
    enum spira_code code = map_file(reader, err);
    if (code == SPIRA_OK)
        code = read_header(reader, err);
    if (code == SPIRA_OK)
        code = read_entries(reader, err);
    if (code == SPIRA_OK)
        code = check_places(reader, err);
    if (code == SPIRA_OK)
        code = copy_unaligned(reader, err);
    if (code != SPIRA_OK) {
        free_reader(reader);
        return code;
    }
    reader->path = NULL;
    *ret_file = (struct spira_tensor_file){.tensors = reader->tensors,
                                           .count = reader->count,
                                           .metadata = reader->metadata,
                                           .ops = &spira_safetensors_ops,
                                           .self = reader};
    return SPIRA_OK;
}

void spira_safetensors_close(struct spira_tensor_file *file)
{
    free_reader(file->self);
}
