#include "adapters/safetensors/safetensors.h"

#include "adapters/safetensors/safetensors_parts.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian, so are we");

const char *const spira_safetensors_dtypes[SPIRA_SAFETENSORS_DTYPES] = {
    [SPIRA_F32] = "F32", [SPIRA_F64] = "F64", [SPIRA_I64] = "I64",
    [SPIRA_I32] = "I32", [SPIRA_U8] = "U8",
};

const struct spira_tensors_ops spira_safetensors_ops = {
    .open = spira_safetensors_open,
    .close = spira_safetensors_close,
    .create = spira_safetensors_create,
    .append = spira_safetensors_append,
    .finish = spira_safetensors_finish,
    .abandon = spira_safetensors_abandon,
};

struct spira_tensors spira_tensors_safetensors(void)
{
    return (struct spira_tensors){.ops = &spira_safetensors_ops};
}
