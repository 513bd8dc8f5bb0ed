#include "adapters/safetensors/safetensors.h"
#include "tests/fuzz/fuzz.h"

/* Every byte of every tensor of an accepted file can be read, and each is found by its name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    enum spira_code code =
        spira_tensors_open(spira_tensors_safetensors(), fuzz_file(data, size), &file, &err);
    if (code != SPIRA_OK) {
        fuzz_refused(code, &err);
        return 0;
    }
    size_t total = 0;
    volatile unsigned char sum = 0;
    for (size_t i = 0; i < file.count; i++) {
        const struct spira_tensor *tensor = &file.tensors[i];
        const unsigned char *bytes = tensor->data;
        size_t count = spira_tensor_elements(tensor) * spira_dtype_size(tensor->dtype);
        for (size_t k = 0; k < count; k++)
            sum = (unsigned char)(sum + bytes[k]);
        assert(spira_tensor_find(&file, tensor->name) == tensor);
        total += count;
    }
    assert(total <= size);
    return 0;
}
