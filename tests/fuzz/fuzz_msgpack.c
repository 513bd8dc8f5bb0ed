#include "adapters/msgpack/msgpack_codec.h"
#include "tests/fuzz/fuzz.h"

/* What is accepted is written and read back equal. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spira_event_codec codec = spira_event_codec_msgpack();
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = NULL;
    enum spira_code code = spira_event_decode(codec, data, size, &event, &err);
    if (code != SPIRA_OK) {
        fuzz_refused(code, &err);
        return 0;
    }
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    code = spira_event_encode(codec, event, &bytes, &err);
    assert(code == SPIRA_OK);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *back = NULL;
    code = spira_event_decode(codec, bytes.data, bytes.size, &back, &err);
    assert(code == SPIRA_OK && spira_value_equal(event, back));
    return 0;
}
