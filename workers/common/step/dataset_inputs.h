/* The dataset of a run as inputs of a step. */
#ifndef SPIRA_WORKERS_COMMON_STEP_DATASET_INPUTS_H
#define SPIRA_WORKERS_COMMON_STEP_DATASET_INPUTS_H

#include "workers/common/step/step.h"

/* Reads the call's dataset and adds dataset.json and every shard as inputs; to the key they are the
 * dataset's digest. Gives the dataset (ret_dataset may be NULL). */
SPIRA_MUST_USE enum spira_code spira_dataset_inputs(struct spira_step_call *call,
                                                    struct spira_value **ret_dataset,
                                                    struct spira_error *err);

/* The sections of config, as parameters.configuration of the call's job. */
void spira_configuration_parameters(struct spira_step_call *call,
                                    const struct spira_run_config *config,
                                    const char *const *sections, size_t count);

#endif
