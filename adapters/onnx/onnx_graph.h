/* Building an ONNX graph out of the messages protoc-c made. Private to this folder.
 *
 * Everything added belongs to the graph: onnx__graph_proto__free_unpacked, or that of the model it
 * is in, frees it. A value is known by its name; names given are copied. */
#ifndef SPIRA_ADAPTERS_ONNX_ONNX_GRAPH_H
#define SPIRA_ADAPTERS_ONNX_ONNX_GRAPH_H

#include <onnx/onnx.pb-c.h>

#include "core/base/memory.h"

/* Adds the operator op. Its inputs are values (the list ends with NULL), its one output is called
 * name. Borrowed from graph. */
Onnx__NodeProto *spira_onnx_node(Onnx__GraphProto *graph, const char *op, const char *name,
                                 const char *const *inputs);

/* Gives node an attribute. */
void spira_onnx_ints(Onnx__NodeProto *node, const char *name, const int64_t *values, size_t count);
void spira_onnx_float(Onnx__NodeProto *node, const char *name, float value);

/* Adds a constant tensor. Floats: SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_onnx_float_tensor(Onnx__GraphProto *graph, const char *name,
                                                       const size_t *shape, size_t rank,
                                                       const float *values,
                                                       struct spira_error *err);
void spira_onnx_int_tensor(Onnx__GraphProto *graph, const char *name, const int64_t *values,
                           size_t count);

/* One dimension of what goes in or comes out: fixed, or any, and then named. */
struct spira_onnx_dimension {
    const char *any; /* NULL: size counts */
    size_t size;
};

/* Adds an input or an output of floats. */
void spira_onnx_input(Onnx__GraphProto *graph, const char *name,
                      const struct spira_onnx_dimension *dimensions, size_t rank);
void spira_onnx_output(Onnx__GraphProto *graph, const char *name,
                       const struct spira_onnx_dimension *dimensions, size_t rank);

/* Adds a text to what the model says of itself. */
void spira_onnx_metadata(Onnx__ModelProto *model, const char *key, const char *value);

#endif
