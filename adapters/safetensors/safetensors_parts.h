/* What the reader and the writer of safetensors files share. Private to this folder. */
#ifndef SPIRA_ADAPTERS_SAFETENSORS_SAFETENSORS_PARTS_H
#define SPIRA_ADAPTERS_SAFETENSORS_SAFETENSORS_PARTS_H

#include "core/ports/tensors.h"

#define SPIRA_SAFETENSORS_METADATA "__metadata__"

/* The format's names of the element types, by enum spira_dtype. */
enum { SPIRA_SAFETENSORS_DTYPES = 5 };
extern const char *const spira_safetensors_dtypes[SPIRA_SAFETENSORS_DTYPES];

/* The operations of the port (core/ports/tensors.h). */
enum spira_code spira_safetensors_open(void *self, const char *path,
                                       struct spira_tensor_file *ret_file, struct spira_error *err);
void spira_safetensors_close(struct spira_tensor_file *file);
enum spira_code spira_safetensors_create(void *self, const char *path,
                                         const struct spira_tensor *tensors, size_t count,
                                         const struct spira_value *metadata, void **ret_writer,
                                         struct spira_error *err);
enum spira_code spira_safetensors_append(void *writer, const void *data, size_t size,
                                         struct spira_error *err);
enum spira_code spira_safetensors_finish(void *writer, struct spira_error *err);
void spira_safetensors_abandon(void *writer);

extern const struct spira_tensors_ops spira_safetensors_ops;

#endif
