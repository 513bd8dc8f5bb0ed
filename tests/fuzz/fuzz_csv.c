#include "adapters/csv/csv_reader.h"
#include "tests/fuzz/fuzz.h"

static enum spira_code visit(void *context, size_t line, const char *const *names,
                             const char *const *fields, size_t count, struct spira_error *err)
{
    size_t *last_line = context;
    assert(line > *last_line && count > 0);
    *last_line = line;
    for (size_t i = 0; i < count; i++)
        assert(names[i][0] != '\0' && strlen(fields[i]) <= SPIRA_CSV_MAX_ROW);
    (void)err;
    return SPIRA_OK;
}

/* Rows come in order, whole, under names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spira_error err = {0};
    size_t last_line = 0;
    enum spira_code code =
        spira_csv_parse("fuzz", (const char *)data, size, visit, &last_line, &err);
    if (code != SPIRA_OK)
        fuzz_refused(code, &err);
    return 0;
}
