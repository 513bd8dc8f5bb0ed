#include "adapters/json/json_config.h"
#include "tests/fuzz/fuzz.h"

/* What is accepted is written and read back equal. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spira_config_source json = spira_config_source_json();
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = spira_config_parse(json, "fuzz", (const char *)data, size, &value, &err);
    if (code != SPIRA_OK) {
        fuzz_refused(code, &err);
        return 0;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_PRETTY);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *back = NULL;
    code = spira_config_parse(json, "fuzz", text, strlen(text), &back, &err);
    assert(code == SPIRA_OK && spira_value_equal(value, back));
    return 0;
}
