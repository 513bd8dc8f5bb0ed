/* Port: files of named tensors. Adapters: adapters/safetensors. */
#ifndef SPIRA_CORE_PORTS_TENSORS_H
#define SPIRA_CORE_PORTS_TENSORS_H

#include "core/base/value.h"

enum spira_dtype { SPIRA_F32, SPIRA_F64, SPIRA_I64, SPIRA_I32, SPIRA_U8 };
enum { SPIRA_TENSOR_MAX_RANK = 8, SPIRA_TENSOR_MAX_NAME = 256 };

/* Bytes of one element. */
static inline size_t spira_dtype_size(enum spira_dtype dtype)
{
    return dtype == SPIRA_U8 ? 1 : dtype == SPIRA_F32 || dtype == SPIRA_I32 ? 4 : 8;
}

struct spira_tensor {
    const char *name;
    enum spira_dtype dtype;
    size_t rank; /* 0: one element */
    size_t shape[SPIRA_TENSOR_MAX_RANK];
    const void *data; /* row-major, little-endian, aligned to its element; NULL in a tensor still to
                         be written */
    size_t offset;    /* of data in a file open for reading: where who maps a part of it finds it */
};

/* Product of the shape. */
static inline size_t spira_tensor_elements(const struct spira_tensor *tensor)
{
    size_t elements = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        elements *= tensor->shape[i];
    return elements;
}

/* A file open for reading: the tensors, in the order of their names, and the metadata (a map of
 * texts). Data is mapped, not loaded. */
struct spira_tensor_file {
    const struct spira_tensor *tensors;
    size_t count;
    const struct spira_value *metadata;
    const struct spira_tensors_ops *ops;
    void *self;
};

struct spira_tensors_ops {
    /* Gives ret_file. Every size is checked against the file. SPIRA_ENOTFOUND, SPIRA_EIO,
     * SPIRA_EINVALID (says what is wrong with it). */
    enum spira_code (*open)(void *self, const char *path, struct spira_tensor_file *ret_file,
                            struct spira_error *err);
    void (*close)(struct spira_tensor_file *file);

    /* Starts path with the header for these tensors (their data is ignored) in this order, which is
     * the order of writing; metadata (a map of texts) may be NULL. Gives ret_writer. The same calls
     * give the same bytes. */
    enum spira_code (*create)(void *self, const char *path, const struct spira_tensor *tensors,
                              size_t count, const struct spira_value *metadata, void **ret_writer,
                              struct spira_error *err);
    /* The next size bytes of the data, across tensors. SPIRA_EBUG past the end. */
    enum spira_code (*append)(void *writer, const void *data, size_t size, struct spira_error *err);
    /* Ends and frees the writer either way; on success the file is whole, durable and under its
     * name, on failure there is none. SPIRA_EBUG when data is missing. */
    enum spira_code (*finish)(void *writer, struct spira_error *err);
    void (*abandon)(void *writer); /* frees the writer, leaves no file; NULL is fine */
};

/* Stateless; any thread. */
struct spira_tensors {
    const struct spira_tensors_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code spira_tensors_open(struct spira_tensors tensors,
                                                                const char *path,
                                                                struct spira_tensor_file *ret_file,
                                                                struct spira_error *err)
{
    return tensors.ops->open(tensors.self, path, ret_file, err);
}

/* For SPIRA_CLEANUP; a zeroed file is fine. */
static inline void spira_tensor_file_done(struct spira_tensor_file *file)
{
    if (file->ops)
        file->ops->close(file);
    *file = (struct spira_tensor_file){0};
}

/* The tensor of that name, or NULL. Borrowed from file. */
const struct spira_tensor *spira_tensor_find(const struct spira_tensor_file *file,
                                             const char *name);

/* As find, checked: SPIRA_EINVALID with the file's path, the name and both shapes when it is
 * missing or other. */
SPIRA_MUST_USE enum spira_code spira_tensor_expect(const struct spira_tensor_file *file,
                                                   const char *path, const char *name,
                                                   enum spira_dtype dtype, size_t rank,
                                                   const size_t *shape, void *ret_data,
                                                   struct spira_error *err);

/* Creates, writes every tensor's data and finishes. */
SPIRA_MUST_USE enum spira_code spira_tensors_write(struct spira_tensors port, const char *path,
                                                   const struct spira_tensor *tensors, size_t count,
                                                   const struct spira_value *metadata,
                                                   struct spira_error *err);

#endif
