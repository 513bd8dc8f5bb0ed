#include "workers/common/run/run_request.h"

#include "core/run/manifest.h"

/* Takes reference, of the manifest. */
static enum spira_code emit(const struct spira_worker *worker, const char *run_id, const char *name,
                            struct spira_value *reference, struct spira_error *err)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", run_id);
    spira_value_set(event, "manifest", reference);
    spira_value_set_text(event, "name", name);
    return spira_event_emit(worker, "run.requested", run_id, run_id, event, err);
}

enum spira_code spira_run_request(const struct spira_worker *worker, const char *run_id,
                                  const struct spira_run_config *config,
                                  const struct spira_offset_range *corpus, size_t range_count,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = spira_manifest(run_id, config, corpus, range_count);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_manifest_key(run_id);
    struct spira_value *reference = NULL;
    enum spira_code code =
        spira_document_put(worker->store, worker->tools.digest, key, manifest, &reference, err);
    return code == SPIRA_OK ? emit(worker, run_id, config->name, reference, err) : code;
}

enum spira_code spira_run_request_again(const struct spira_worker *worker, const char *run_id,
                                        struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_manifest_key(run_id);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    enum spira_code code =
        spira_store_get(worker->store, key, SPIRA_DOCUMENT_MAX_BYTES, &bytes, err);
    if (code == SPIRA_OK)
        code = spira_config_parse(worker->tools.json, key, bytes.data, bytes.size, &manifest, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_sha256 sha256 = spira_digest_bytes(worker->tools.digest, bytes.data, bytes.size);
    return emit(worker, run_id, spira_value_get_text(manifest, "name", NULL),
                spira_reference(key, sha256.hex, bytes.size), err);
}
