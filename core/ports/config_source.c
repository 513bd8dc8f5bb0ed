#include "core/ports/config_source.h"

#include "core/base/file.h"

enum spira_code spira_config_read(struct spira_config_source source, const char *path,
                                  size_t max_bytes, struct spira_value **ret_value,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, max_bytes, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    return spira_config_parse(source, path, bytes.data, bytes.size, ret_value, err);
}
