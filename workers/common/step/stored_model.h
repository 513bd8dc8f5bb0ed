/* A trained model as it lies in files: model.safetensors and its model.json. */
#ifndef SPIRA_WORKERS_COMMON_STEP_STORED_MODEL_H
#define SPIRA_WORKERS_COMMON_STEP_STORED_MODEL_H

#include "workers/common/worker.h"

/* One thread. */
struct spira_stored_model {
    struct spira_model_description description;
    struct spira_network *network;
};

/* Opens the model; description_path NULL: model.json in the model's folder. Fills ret_model; end
 * with spira_stored_model_done, also after a failure. SPIRA_ENOTFOUND; SPIRA_EINVALID when the two
 * do not fit: names the file and what is wrong. */
SPIRA_MUST_USE enum spira_code spira_stored_model_open(const struct spira_tools *tools,
                                                       const char *model_path,
                                                       const char *description_path,
                                                       struct spira_stored_model *ret_model,
                                                       struct spira_error *err);
void spira_stored_model_done(struct spira_stored_model *model); /* a zeroed one is fine */

/* Writes what the two files hold to out_path, as the format of tools' model_export. Fills
 * ret_description (may be NULL). The same two files, or others that say the same, give the same
 * bytes. Codes of spira_stored_model_open and of the port. */
SPIRA_MUST_USE enum spira_code
spira_stored_model_export(const struct spira_tools *tools, const char *model_path,
                          const char *description_path, const char *out_path,
                          struct spira_model_description *ret_description, struct spira_error *err);

#endif
