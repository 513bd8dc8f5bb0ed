#include "workers/model_training/model_training.h"

#include "workers/model_training/training.h"

/* A run of several trainings has no job here: result says how many, for complete to ask for them.
 */
static enum spira_code prepare(struct spira_step_call *call, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_manifest(call, &manifest, &config, err);
    if (code != SPIRA_OK)
        return code;
    size_t members = spira_member_count(&config);
    if (members == 0)
        return spira_training_prepare(call, &config, NULL, err);
    call->result = spira_value_map();
    spira_value_set_int(call->result, "members", (int64_t)members);
    return SPIRA_OK;
}

static enum spira_code request_members(struct spira_step_call *call, int64_t members,
                                       struct spira_error *err)
{
    const char *run_id = spira_value_get_text(call->value, "run_id", "");
    enum spira_code code = SPIRA_OK;
    for (int64_t member = 0; code == SPIRA_OK && member < members; member++) {
        struct spira_value *fields = spira_value_map();
        spira_value_set_int(fields, "member", member);
        spira_value_set_int(fields, "members", members);
        spira_value_set(fields, "dataset",
                        spira_value_copy(spira_value_get(call->value, "dataset")));
        code = spira_run_event_emit(call->worker, "training.requested", run_id, fields, err);
    }
    call->status = "reused"; /* nothing was computed: how the step went, the members say */
    return code;
}

static enum spira_code complete(struct spira_step_call *call, struct spira_error *err)
{
    int64_t members = spira_value_get_int(call->result, "members", 0);
    if (members > 0)
        return request_members(call, members, err);
    struct spira_value *fields = spira_value_map();
    spira_value_set(fields, "dataset", spira_value_copy(spira_value_get(call->value, "dataset")));
    spira_value_set(fields, "artifact", spira_value_copy(call->reference));
    return spira_step_emit(call, "model.trained", fields, err);
}

const struct spira_step spira_model_training_step = {
    .name = "model_training",
    .consumes = "features.completed",
    .version = SPIRA_TRAINING_VERSION,
    .prefix = "models",
    .prepare = prepare,
    .compute = spira_training_compute,
    .complete = complete,
};
