#include "workers/run_tracker/member_fan_in.h"

#include <math.h>

#include "core/run/members.h"
#include "core/training/validation.h"
#include "workers/run_tracker/fan_in_parts.h"

/* The rank of a training, the lowest the best, from what its artifact says of its best epoch. */
static double rank_of(const struct spira_value *artifact, const struct spira_metric *metric)
{
    const struct spira_value *result = spira_value_get(artifact, "result");
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("validation_%s", metric ? metric->name : "loss");
    double value = spira_value_get_real(result, name, NAN);
    return spira_validation_rank(metric, value, value);
}

/* Gives the document of the members, or the key of what is lost of them. */
static enum spira_code list_members(const struct spira_worker *worker,
                                    const struct spira_run_config *config,
                                    const struct spira_value *parts,
                                    struct spira_value **ret_document, char **ret_lost,
                                    struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    spira_value_set_int(document, "format", 1);
    struct spira_value *list = spira_value_set(document, "members", spira_value_list());
    size_t best = 0;
    double best_rank = INFINITY;
    for (size_t i = 0; i < spira_member_count(config); i++) {
        struct spira_value *reference = NULL;
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *artifact = NULL;
        enum spira_code code = spira_fan_in_reference(worker, parts, (int64_t)i, &reference, err);
        if (code != SPIRA_OK)
            return code;
        const struct spira_member member = spira_member_at(config, i);
        struct spira_value *row = spira_value_append(list, spira_value_map());
        spira_member_describe(&member, row);
        spira_value_set(row, "artifact", reference);
        code = spira_fan_in_document(worker, reference, &artifact, ret_lost, err);
        if (code != SPIRA_OK)
            return code;
        double rank = rank_of(artifact, config->train.early_stop_metric);
        if (rank < best_rank) {
            best_rank = rank;
            best = i;
        }
    }
    spira_value_set_int(document, "published", (int64_t)best);
    *ret_document = document;
    document = NULL;
    return SPIRA_OK;
}

static enum spira_code complete(const struct spira_worker *worker,
                                const struct spira_value *training_computed,
                                const struct spira_value *document, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *members = NULL;
    enum spira_code code = spira_document_keep(worker->store, worker->tools.digest, "members",
                                               document, &members, err);
    if (code != SPIRA_OK)
        return code;
    size_t best = (size_t)spira_value_get_int(document, "published", 0);
    const struct spira_value *row = spira_value_at(spira_value_get(document, "members"), best);
    struct spira_value *fields = spira_value_map();
    spira_value_set(fields, "dataset",
                    spira_value_copy(spira_value_get(training_computed, "dataset")));
    spira_value_set(fields, "artifact", spira_value_copy(spira_value_get(row, "artifact")));
    spira_value_set(fields, "members", members);
    members = NULL;
    return spira_run_event_emit(worker, "model.trained",
                                spira_value_get_text(training_computed, "run_id", ""), fields, err);
}

enum spira_code spira_member_fan_in(const struct spira_worker *worker,
                                    const struct spira_value *training_computed,
                                    struct spira_error *err)
{
    const char *run_id = spira_value_get_text(training_computed, "run_id", "");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *parts = NULL;
    enum spira_code code =
        spira_fan_in_parts(worker, run_id, "members",
                           spira_value_get_int(training_computed, "members", 0), &parts, err);
    if (code != SPIRA_OK || !parts)
        return code;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *lost = NULL;
    struct spira_error why;
    code = spira_fan_in_check(parts, "member", training_computed, &why);
    if (code == SPIRA_OK)
        code = spira_fan_in_config(worker, run_id, &config, &why);
    if (code == SPIRA_OK)
        code = list_members(worker, &config, parts, &document, &lost, &why);
    if (code == SPIRA_OK)
        return complete(worker, training_computed, document, err);
    return spira_fan_in_settle(worker, run_id, "model_training", lost, &why, err);
}
