#include "workers/model_training/train_member.h"

#include "workers/model_training/training.h"

static enum spira_code prepare(struct spira_step_call *call, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_manifest(call, &manifest, &config, err);
    if (code != SPIRA_OK)
        return code;
    size_t count = spira_member_count(&config);
    size_t number = (size_t)spira_value_get_int(call->value, "member", 0);
    if (number >= count)
        return spira_fail(err, SPIRA_EINVALID, "training %zu is asked for of a run that has %zu",
                          number, count);
    const struct spira_member member = spira_member_at(&config, number);
    return spira_training_prepare(call, &config, &member, err);
}

static enum spira_code complete(struct spira_step_call *call, struct spira_error *err)
{
    static const char *const carried[] = {"member", "members", "dataset"};
    struct spira_value *fields = spira_value_map();
    for (size_t i = 0; i < sizeof carried / sizeof *carried; i++)
        spira_value_set(fields, carried[i],
                        spira_value_copy(spira_value_get(call->value, carried[i])));
    spira_value_set(fields, "artifact", spira_value_copy(call->reference));
    return spira_step_emit(call, "training.computed", fields, err);
}

const struct spira_step spira_train_member_step = {
    .name = "model_training",
    .consumes = "training.requested",
    .version = SPIRA_TRAINING_VERSION,
    .prefix = "models",
    .prepare = prepare,
    .compute = spira_training_compute,
    .complete = complete,
};
