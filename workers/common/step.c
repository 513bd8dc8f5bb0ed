#include "workers/common/step.h"

#include <unistd.h>

#include "core/run/document.h"
#include "core/run/manifest.h"

enum spira_code spira_step_manifest(const struct spira_step_call *call,
                                    struct spira_value **ret_manifest,
                                    struct spira_run_config *ret_config, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    enum spira_code code =
        spira_manifest_get(call->worker->store, call->worker->tools.json,
                           spira_value_get_text(call->value, "run_id", "?"), &manifest, err);
    if (code == SPIRA_OK && ret_config)
        code = spira_manifest_config(manifest, ret_config, err);
    if (code != SPIRA_OK)
        return code;
    *ret_manifest = manifest;
    manifest = NULL;
    return SPIRA_OK;
}

enum spira_code spira_step_document(const struct spira_step_call *call, const char *field,
                                    struct spira_value **ret_document, struct spira_error *err)
{
    return spira_document_get(call->worker->store, call->worker->tools.digest,
                              call->worker->tools.json, spira_value_get(call->value, field),
                              ret_document, err);
}

enum spira_code spira_step_fetch(const struct spira_step_call *call, const char *name,
                                 const char *key, const char *sha256, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", call->inputs, name);
    if (access(path, F_OK) == 0)
        return SPIRA_OK;
    enum spira_code code = spira_store_fetch(call->worker->store, key, path, err);
    struct spira_sha256 found;
    if (code == SPIRA_OK)
        code = spira_digest_file(call->worker->tools.digest, path, &found, NULL, err);
    if (code != SPIRA_OK)
        return code;
    if (strcmp(found.hex, sha256) == 0)
        return SPIRA_OK;
    unlink(path);
    return spira_fail(err, SPIRA_EINVALID,
                      "%s: the object was altered (its digest is %s, not %s); a new run makes it "
                      "again",
                      key, found.hex, sha256);
}

enum spira_code spira_step_emit(const struct spira_step_call *call, const char *event,
                                struct spira_value *fields, struct spira_error *err)
{
    const char *run_id = spira_value_get_text(call->value, "run_id", "");
    spira_value_set_text(fields, "run_id", run_id);
    struct spira_value *execution = spira_value_set(fields, SPIRA_EXECUTION, spira_value_map());
    spira_value_set_text(execution, "status", call->status);
    spira_value_set_real(execution, "seconds", call->seconds);
    return spira_event_emit(call->worker, event, run_id, run_id, fields, err);
}

enum spira_code spira_step_read(const struct spira_tools *tools, const char *inputs,
                                const char *name, struct spira_value **ret_document,
                                struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", inputs, name);
    return spira_config_read(tools->json, path, SPIRA_DOCUMENT_MAX_BYTES, ret_document, err);
}

enum spira_code spira_step_config(const struct spira_job *job, struct spira_run_config *ret_config,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document =
        spira_value_copy(spira_value_get(job->parameters, "configuration"));
    spira_value_set_int(document, "seed", (int64_t)job->seed);
    return spira_run_config_read(job->step, document, ret_config, err);
}
