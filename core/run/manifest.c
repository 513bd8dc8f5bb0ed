#include "core/run/manifest.h"

struct spira_value *spira_manifest(const char *run_id, const struct spira_run_config *config,
                                   const struct spira_offset_range *corpus, size_t range_count)
{
    struct spira_value *manifest = spira_value_map();
    spira_value_set_int(manifest, "format", 1);
    spira_value_set_text(manifest, "run_id", run_id);
    spira_value_set_text(manifest, "name", config->name);
    spira_value_set_int(manifest, "seed", (int64_t)config->seed);
    spira_value_set_text(manifest, "generation", "0");
    spira_value_set(manifest, "configuration", spira_run_config_write(config));
    struct spira_value *ranges = spira_value_set(manifest, "corpus", spira_value_list());
    for (size_t i = 0; i < range_count; i++) {
        struct spira_value *range = spira_value_append(ranges, spira_value_map());
        spira_value_set_text(range, "topic", corpus[i].topic);
        spira_value_set_int(range, "partition", corpus[i].partition);
        spira_value_set_int(range, "from", corpus[i].from);
        spira_value_set_int(range, "to", corpus[i].to);
    }
    return manifest;
}

char *spira_manifest_key(const char *run_id)
{
    return spira_format("runs/%s/manifest.json", run_id);
}

enum spira_code spira_manifest_get(struct spira_object_store store, struct spira_config_source json,
                                   const char *run_id, struct spira_value **ret_manifest,
                                   struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_manifest_key(run_id);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_store_get(store, key, SPIRA_DOCUMENT_MAX_BYTES, &bytes, err);
    return code == SPIRA_OK
               ? spira_config_parse(json, key, bytes.data, bytes.size, ret_manifest, err)
               : code;
}

enum spira_code spira_manifest_config(const struct spira_value *manifest,
                                      struct spira_run_config *ret_config, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_manifest_key(spira_value_get_text(manifest, "run_id", "?"));
    return spira_run_config_read(name, spira_value_get(manifest, "configuration"), ret_config, err);
}

enum spira_code spira_manifest_corpus(const struct spira_value *manifest,
                                      struct spira_offset_range **ret_ranges, size_t *ret_count,
                                      struct spira_error *err)
{
    const struct spira_value *list = spira_value_get(manifest, "corpus");
    size_t count = spira_value_count(list);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = spira_alloc(count, sizeof *ranges);
    for (size_t i = 0; i < count; i++) {
        const struct spira_value *item = spira_value_at(list, i);
        int64_t partition = spira_value_get_int(item, "partition", -1);
        struct spira_offset_range *range = &ranges[i];
        snprintf(range->topic, sizeof range->topic, "%s", spira_value_get_text(item, "topic", ""));
        range->partition = (int32_t)partition;
        range->from = spira_value_get_int(item, "from", -1);
        range->to = spira_value_get_int(item, "to", -1);
        if (!range->topic[0] || partition < 0 || partition > INT32_MAX || range->from < 0 ||
            range->to < range->from)
            return spira_fail(err, SPIRA_EINVALID, "corpus range %zu of run %s is not valid", i,
                              spira_value_get_text(manifest, "run_id", "?"));
    }
    *ret_ranges = ranges;
    *ret_count = count;
    ranges = NULL;
    return SPIRA_OK;
}
