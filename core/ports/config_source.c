#include "core/ports/config_source.h"

#include "core/base/file.h"

enum spira_code spira_config_read_items(struct spira_config_source source, const char *path,
                                        size_t max_bytes, const struct spira_config_items *items,
                                        struct spira_value **ret_value, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, max_bytes, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    return source.ops->parse(source.self, path, bytes.data, bytes.size, items, ret_value, err);
}

enum spira_code spira_config_read(struct spira_config_source source, const char *path,
                                  size_t max_bytes, struct spira_value **ret_value,
                                  struct spira_error *err)
{
    return spira_config_read_items(source, path, max_bytes, NULL, ret_value, err);
}
