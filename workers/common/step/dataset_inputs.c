#include "workers/common/step/dataset_inputs.h"

#include "core/dataset/shard.h"

enum spira_code spira_dataset_inputs(struct spira_step_call *call, struct spira_value **ret_dataset,
                                     struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = NULL;
    enum spira_code code = spira_step_document(call, "dataset", &dataset, err);
    if (code != SPIRA_OK)
        return code;
    spira_job_input_reference(&call->job, "dataset.json", spira_value_get(call->value, "dataset"),
                              spira_value_get_text(dataset, "digest", ""));
    const struct spira_value *shards = spira_value_get(dataset, "shards");
    for (size_t i = 0; i < spira_value_count(shards); i++) {
        const struct spira_value *row = spira_value_at(shards, i);
        struct spira_shard_name name = spira_shard_name(spira_value_get_int(row, "shard", 0));
        spira_job_input_reference(&call->job, name.text, spira_value_get(row, "file"), "");
    }
    if (ret_dataset) {
        *ret_dataset = dataset;
        dataset = NULL;
    }
    return SPIRA_OK;
}

void spira_configuration_parameters(struct spira_step_call *call,
                                    const struct spira_run_config *config,
                                    const char *const *sections, size_t count)
{
    struct spira_value *configuration =
        spira_value_set(call->job.parameters, "configuration", spira_value_map());
    for (size_t i = 0; i < count; i++)
        spira_value_set(configuration, sections[i], spira_run_config_section(config, sections[i]));
}
