#include "core/training/training_identity.h"

#include "core/model/kernel/kernel.h"

/* Everything but the recordings, as a text. */
static char *describe(const struct spira_training_job *job, const char *initial_weights)
{
    const struct spira_run_config config = {.model = *job->model, .train = *job->train};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    spira_value_set(document, "model", spira_run_config_section(&config, "model"));
    struct spira_value *train =
        spira_value_set(document, "train", spira_run_config_section(&config, "train"));
    spira_value_remove(train, "checkpoint_interval");
    spira_value_set_text(document, "initial_weights", initial_weights);
    spira_value_set_text(document, "arithmetic", spira_model_arithmetic());
    spira_value_set_int(document, "frames", (int64_t)job->frames);
    spira_value_set_int(document, "features", (int64_t)job->features);
    spira_value_set_int(document, "seed", (int64_t)job->seed);
    return spira_value_to_text(document, SPIRA_CANONICAL);
}

static void update_text(struct spira_digest digest, void *running, const char *text)
{
    digest.ops->update(running, text, strlen(text) + 1);
}

static void update_recordings(struct spira_digest digest, void *running, struct spira_loader loader)
{
    size_t recordings = spira_loader_recordings(loader);
    digest.ops->update(running, &recordings, sizeof recordings);
    for (size_t i = 0; i < recordings; i++) {
        float label = loader.ops->label(loader.self, i);
        update_text(digest, running, loader.ops->name(loader.self, i));
        digest.ops->update(running, &label, sizeof label);
    }
}

enum spira_code spira_training_identity(const struct spira_training_job *job,
                                        struct spira_sha256 *ret_identity, struct spira_error *err)
{
    struct spira_sha256 initial = {""};
    if (job->initial_weights_path) {
        enum spira_code code =
            spira_digest_file(job->digest, job->initial_weights_path, &initial, NULL, err);
        if (code != SPIRA_OK)
            return code;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *text = describe(job, initial.hex);
    void *running = job->digest.ops->begin(job->digest.self);
    update_text(job->digest, running, text);
    update_recordings(job->digest, running, job->training);
    update_recordings(job->digest, running, job->validation);
    *ret_identity = job->digest.ops->finish(running);
    return SPIRA_OK;
}
