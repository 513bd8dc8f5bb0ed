#include "workers/common/step/stored_model.h"

#include "core/model/weights.h"
#include "workers/common/version.h"

enum { DESCRIPTION_MAX_BYTES = 1 << 24 };

/* "<folder of model_path>/model.json"; free with free(). */
static char *description_beside(const char *model_path)
{
    const char *slash = strrchr(model_path, '/');
    return slash ? spira_format("%.*s/model.json", (int)(slash - model_path), model_path)
                 : spira_format("model.json");
}

/* The description, and the network it asks for. */
static enum spira_code open_description(const struct spira_tools *tools, const char *path,
                                        struct spira_stored_model *model, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    enum spira_code code =
        spira_config_read(tools->json, path, DESCRIPTION_MAX_BYTES, &document, err);
    if (code == SPIRA_OK)
        code = spira_model_description_read(path, document, &model->description, err);
    if (code != SPIRA_OK)
        return code;
    code = spira_network_new(&model->description.model, model->description.frames,
                             model->description.feature_count, (struct spira_matrix){0},
                             tools->threads, &model->network, err);
    return code == SPIRA_OK ? SPIRA_OK : spira_fail_within(err, "%s", path);
}

enum spira_code spira_stored_model_open(const struct spira_tools *tools, const char *model_path,
                                        const char *description_path,
                                        struct spira_stored_model *ret_model,
                                        struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *beside = description_beside(model_path);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file weights = {0};
    *ret_model = (struct spira_stored_model){0};
    /* First, so that a model that is not there is what the message names. */
    enum spira_code code = spira_tensors_open(tools->tensors, model_path, &weights, err);
    if (code == SPIRA_OK)
        code =
            open_description(tools, description_path ? description_path : beside, ret_model, err);
    return code == SPIRA_OK ? spira_weights_read(&weights, model_path, "", ret_model->network, err)
                            : code;
}

void spira_stored_model_done(struct spira_stored_model *model)
{
    spira_network_free(model->network);
    *model = (struct spira_stored_model){0};
}

enum spira_code spira_stored_model_export(const struct spira_tools *tools, const char *model_path,
                                          const char *description_path, const char *out_path,
                                          struct spira_model_description *ret_description,
                                          struct spira_error *err)
{
    SPIRA_CLEANUP(spira_stored_model_done)
    struct spira_stored_model model = {0};
    struct spira_sha256 sha256 = {""};
    enum spira_code code =
        spira_stored_model_open(tools, model_path, description_path, &model, err);
    if (code == SPIRA_OK)
        code = spira_digest_file(tools->digest, model_path, &sha256, NULL, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_exported_model exported = {
        .network = model.network,
        .description = &model.description,
        .sha256 = sha256.hex,
        .version = spira_version(),
    };
    code = spira_model_export_write(tools->model_export, &exported, out_path, err);
    if (code == SPIRA_OK && ret_description)
        *ret_description = model.description;
    return code;
}
