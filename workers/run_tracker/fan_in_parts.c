#include "workers/run_tracker/fan_in_parts.h"

#include "core/run/manifest.h"
#include "workers/common/run/run_object.h"
#include "workers/common/step/repair.h"

enum spira_code spira_fan_in_parts(const struct spira_worker *worker, const char *run_id,
                                   const char *set, int64_t wanted, struct spira_value **ret_parts,
                                   struct spira_error *err)
{
    size_t there = 0; /* asked first: a run of many parts is long to read for each of them */
    enum spira_code code = spira_state_set_size(worker->state, run_id, set, &there, err);
    if (code != SPIRA_OK || (int64_t)there != wanted)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    code = spira_state_run(worker->state, run_id, &run, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_value *parts = spira_value_get(spira_value_get(run, "sets"), set);
    if ((int64_t)spira_value_count(parts) != wanted ||
        spira_run_is_over(spira_value_as_text(spira_value_find(run, "fields.state"), "")))
        return SPIRA_OK;
    *ret_parts = spira_value_copy(parts);
    return SPIRA_OK;
}

static const char *text_of(const struct spira_value *parts, int64_t number)
{
    SPIRA_CLEANUP(spira_free_at)
    char *part = spira_format("%05jd", (intmax_t)number);
    return spira_value_get_text(parts, part, "");
}

enum spira_code spira_fan_in_check(const struct spira_value *parts, const char *name,
                                   const struct spira_value *event, struct spira_error *err)
{
    int64_t number = spira_value_get_int(event, name, 0);
    SPIRA_CLEANUP(spira_free_at)
    char *found = spira_value_to_text(spira_value_get(event, "artifact"), SPIRA_CANONICAL);
    const char *known = text_of(parts, number);
    if (strcmp(known, found) == 0)
        return SPIRA_OK;
    return spira_fail(err, SPIRA_EDETERMINISM,
                      "%s %jd was computed twice, and not to the same bytes: %s is not %s", name,
                      (intmax_t)number, found, known);
}

enum spira_code spira_fan_in_reference(const struct spira_worker *worker,
                                       const struct spira_value *parts, int64_t number,
                                       struct spira_value **ret_reference, struct spira_error *err)
{
    const char *text = text_of(parts, number);
    return spira_config_parse(worker->tools.json, "a part's reference", text, strlen(text),
                              ret_reference, err);
}

enum spira_code spira_fan_in_document(const struct spira_worker *worker,
                                      const struct spira_value *reference,
                                      struct spira_value **ret_document, char **ret_lost,
                                      struct spira_error *err)
{
    enum spira_code code = spira_document_get(worker->store, worker->tools.digest,
                                              worker->tools.json, reference, ret_document, err);
    if (code != SPIRA_ENOTFOUND && code != SPIRA_EALTERED)
        return code;
    *ret_lost = spira_copy_text(spira_value_get_text(reference, "key", ""));
    return err->code = SPIRA_EALTERED;
}

enum spira_code spira_fan_in_config(const struct spira_worker *worker, const char *run_id,
                                    struct spira_run_config *ret_config, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    enum spira_code code =
        spira_manifest_get(worker->store, worker->tools.json, run_id, &manifest, err);
    return code == SPIRA_OK ? spira_manifest_config(manifest, ret_config, err) : code;
}

static enum spira_code fail_run(const struct spira_worker *worker, const char *run_id,
                                const char *step, const struct spira_error *why,
                                struct spira_error *err)
{
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "step", step);
    spira_value_set_text(fields, "reason", spira_code_text(why->code));
    spira_event_set_message(fields, why->message);
    struct spira_value *execution = spira_value_set(fields, SPIRA_EXECUTION, spira_value_map());
    spira_value_set_text(execution, "status", "failed");
    return spira_run_event_emit(worker, "run.failed", run_id, fields, err);
}

enum spira_code spira_fan_in_settle(const struct spira_worker *worker, const char *run_id,
                                    const char *step, const char *lost,
                                    const struct spira_error *why, struct spira_error *err)
{
    if (lost)
        return spira_repair(worker, run_id, lost, err);
    if (why->code == SPIRA_EDETERMINISM || spira_code_kind(why->code) == SPIRA_KIND_INVALID)
        return fail_run(worker, run_id, step, why, err);
    *err = *why;
    return why->code;
}
