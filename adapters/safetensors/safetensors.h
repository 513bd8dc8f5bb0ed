/* The tensors port over safetensors files (https://github.com/huggingface/safetensors, "Format").
 * A file is: the header's length (8 bytes, little-endian), the header (JSON: name -> dtype, shape,
 * data_offsets; "__metadata__" -> texts), the data without holes. */
#ifndef SPIRA_ADAPTERS_SAFETENSORS_SAFETENSORS_H
#define SPIRA_ADAPTERS_SAFETENSORS_SAFETENSORS_H

#include "core/ports/tensors.h"

/* Element types F32, F64, I64, I32 and U8; others are refused by name. The data of a tensor that
 * lies unaligned in a foreign file is copied. A file must not be cut while it is open. Needs no
 * closing; any thread. */
struct spira_tensors spira_tensors_safetensors(void);

#endif
