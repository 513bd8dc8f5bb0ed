#include "workers/common/step/step.h"

#include <unistd.h>

#include "core/run/document.h"
#include "core/run/manifest.h"

/* Where the only objects are that no step of a run can make again. */
static const char recordings[] = "audio/";

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

/* The object key is gone or altered, as err says. */
static enum spira_code lose(struct spira_step_call *call, const char *key, struct spira_error *err)
{
    free(call->lost);
    call->lost = spira_copy_text(key);
    return err->code = SPIRA_EALTERED;
}

enum spira_code spira_step_part(struct spira_step_call *call, const struct spira_value *reference,
                                struct spira_value **ret_document, struct spira_error *err)
{
    enum spira_code code =
        spira_document_get(call->worker->store, call->worker->tools.digest,
                           call->worker->tools.json, reference, ret_document, err);
    /* It was there when the event was emitted. */
    return code == SPIRA_ENOTFOUND || code == SPIRA_EALTERED
               ? lose(call, spira_value_get_text(reference, "key", ""), err)
               : code;
}

enum spira_code spira_step_document(struct spira_step_call *call, const char *field,
                                    struct spira_value **ret_document, struct spira_error *err)
{
    return spira_step_part(call, spira_value_get(call->value, field), ret_document, err);
}

bool spira_step_gave_up(enum spira_code code)
{
    return code == SPIRA_ECRASHED || code == SPIRA_EOVERRAN || code == SPIRA_EOUTGREW;
}

double spira_step_seconds(const struct spira_step_call *call)
{
    return (double)(spira_clock_monotonic_ms(call->worker->clock) - call->began_ms) / 1e3;
}

void spira_step_set_execution(const struct spira_step_call *call, struct spira_value *fields)
{
    struct spira_value *execution = spira_value_set(fields, SPIRA_EXECUTION, spira_value_map());
    spira_value_set_text(execution, "status", call->status);
    spira_value_set_real(execution, "seconds", spira_step_seconds(call));
}

enum spira_code spira_step_fetch(struct spira_step_call *call, const char *name, const char *key,
                                 const char *sha256, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", call->inputs, name);
    if (access(path, F_OK) == 0)
        return SPIRA_OK;
    enum spira_code code = spira_store_fetch(call->worker->store, key, path, err);
    struct spira_sha256 found;
    if (code == SPIRA_OK)
        code = spira_digest_file(call->worker->tools.digest, path, &found, NULL, err);
    bool recording = strncmp(key, recordings, sizeof recordings - 1) == 0;
    if (code == SPIRA_ENOTFOUND)
        return recording ? code : lose(call, key, err);
    if (code != SPIRA_OK || strcmp(found.hex, sha256) == 0)
        return code;
    unlink(path);
    code = spira_fail(err, SPIRA_EINVALID, "%s: the object was altered: its digest is %s, not %s%s",
                      key, found.hex, sha256, recording ? "; take the recording in again" : "");
    return recording ? code : lose(call, key, err);
}

enum spira_code spira_step_emit(const struct spira_step_call *call, const char *event,
                                struct spira_value *fields, struct spira_error *err)
{
    const char *run_id = spira_value_get_text(call->value, "run_id", "");
    spira_step_set_execution(call, fields);
    return spira_run_event_emit(call->worker, event, run_id, fields, err);
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
