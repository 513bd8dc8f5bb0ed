#include "cli/configuration.h"

#include "adapters/json/json_config.h"
#include "core/config/import.h"

enum { CONFIGURATION_MAX_BYTES = 1 << 20 };

enum spira_code spira_configuration_document(const char *path, struct spira_value **ret_document,
                                             struct spira_error *err)
{
    return spira_config_read(spira_config_source_json(), path, CONFIGURATION_MAX_BYTES,
                             ret_document, err);
}

/* key=value; the value is JSON when it can be read as that, else a text. */
static enum spira_code change(struct spira_value *document, const char *set,
                              struct spira_error *err)
{
    const char *equals = strchr(set, '=');
    if (!equals || equals == set)
        return spira_fail(err, SPIRA_EINVALID, "--set '%s' is not key=value", set);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%.*s", (int)(equals - set), set);
    struct spira_value *parsed = NULL;
    struct spira_error no_json;
    if (spira_config_parse(spira_config_source_json(), "--set", equals + 1, strlen(equals + 1),
                           &parsed, &no_json) != SPIRA_OK)
        parsed = NULL;
    return spira_run_config_set(document, key, equals + 1, parsed, err);
}

enum spira_code spira_configuration_read(const char *path, const char *const *sets,
                                         size_t set_count, struct spira_run_config *ret_config,
                                         struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    enum spira_code code = spira_configuration_document(path, &document, err);
    enum spira_published_format published =
        code == SPIRA_OK ? spira_published_format_of(document) : SPIRA_PUBLISHED_NONE;
    if (published != SPIRA_PUBLISHED_NONE)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: is in the format %s; 'spiractl config import' makes a run "
                          "configuration of it",
                          path, spira_published_format_name(published));
    for (size_t i = 0; code == SPIRA_OK && i < set_count; i++)
        code = change(document, sets[i], err);
    return code == SPIRA_OK ? spira_run_config_read(path, document, ret_config, err) : code;
}
