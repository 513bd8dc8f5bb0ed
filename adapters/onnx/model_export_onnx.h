/* The model_export port: SpiraConv as an ONNX file (docs/export.md). */
#ifndef SPIRA_ADAPTERS_ONNX_MODEL_EXPORT_ONNX_H
#define SPIRA_ADAPTERS_ONNX_MODEL_EXPORT_ONNX_H

#include "core/ports/model_export.h"

/* Needs no closing; any thread. */
struct spira_model_export spira_model_export_onnx(void);

#endif
