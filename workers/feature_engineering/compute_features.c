#include "workers/feature_engineering/compute_features.h"

#include <sys/resource.h>

#include "core/dataset/plan.h"
#include "core/dataset/shard.h"

/* Adds an audio object as an input under its digest. The parameters name the digest, so the key
 * knows it already. */
static void add_audio(struct spira_job *job, const struct spira_value *row)
{
    const char *sha256 = spira_value_get_text(row, "sha256", "");
    spira_job_input(job, sha256, spira_value_get_text(row, "key", ""), sha256, "");
}

static void add_recordings(struct spira_job *job, const struct spira_value *planned)
{
    static const char *const fields[] = {"sha256", "label", "copies"};
    const struct spira_value *all = spira_value_get(planned, "recordings");
    struct spira_value *list = spira_value_set(job->parameters, "recordings", spira_value_list());
    for (size_t i = 0; i < spira_value_count(all); i++) {
        const struct spira_value *row = spira_value_at(all, i);
        struct spira_value *recording = spira_value_append(list, spira_value_map());
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
            spira_value_set(recording, fields[f],
                            spira_value_copy(spira_value_get(row, fields[f])));
        add_audio(job, row);
    }
}

static size_t add_noises(struct spira_job *job, const struct spira_value *plan)
{
    const struct spira_value *all = spira_value_get(plan, "noises");
    struct spira_value *list = spira_value_set(job->parameters, "noises", spira_value_list());
    for (size_t i = 0; i < spira_value_count(all); i++) {
        const struct spira_value *row = spira_value_at(all, i);
        spira_value_append(list, spira_value_copy(spira_value_get(row, "sha256")));
        add_audio(job, row);
    }
    return spira_value_count(all);
}

/* Gives the plan, and its document of the shard: a large corpus has many, and each is small. */
static enum spira_code read_plan(struct spira_step_call *call, int64_t shard,
                                 struct spira_value **ret_plan, struct spira_value **ret_planned,
                                 struct spira_error *err)
{
    enum spira_code code = spira_step_document(call, "plan", ret_plan, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_value *plan = spira_value_get(call->value, "plan");
    const struct spira_value *file = spira_plan_shard(*ret_plan, shard);
    if (!file)
        return spira_fail(err, SPIRA_EINVALID, "%s: the plan has no shard %jd",
                          spira_value_get_text(plan, "key", ""), (intmax_t)shard);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = spira_plan_reference(plan, file);
    return spira_step_part(call, reference, ret_planned, err);
}

static enum spira_code prepare(struct spira_step_call *call, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_manifest(call, &manifest, &config, err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *planned = NULL;
    const int64_t shard = spira_value_get_int(call->value, "shard", -1);
    if (code == SPIRA_OK)
        code = read_plan(call, shard, &plan, &planned, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_job *job = &call->job;
    spira_value_set_int(job->parameters, "shard", shard);
    spira_value_set(job->parameters, "configuration", spira_shard_configuration(&config));
    add_recordings(job, planned);
    /* Only noise is random: without it every seed shares the shard. */
    job->seed = add_noises(job, plan) > 0 ? config.seed : 0;
    return SPIRA_OK;
}

/* The largest file this process may write; 0: any. A child gets its limit from the worker. */
static uint64_t largest_file(void)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    return limit.rlim_cur == RLIM_INFINITY ? 0 : limit.rlim_cur;
}

static enum spira_code compute(const struct spira_job *job, const char *inputs, const char *outputs,
                               const struct spira_tools *tools, struct spira_progress progress,
                               struct spira_value **ret_result, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_step_config(job, &config, err);
    if (code != SPIRA_OK)
        return code;
    const int64_t number = spira_value_get_int(job->parameters, "shard", 0);
    struct spira_shard_name name = spira_shard_name(number);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", outputs, name.text);
    const struct spira_shard_job shard = {
        .config = &config,
        .seed = job->seed,
        .recordings = spira_value_get(job->parameters, "recordings"),
        .noises = spira_value_get(job->parameters, "noises"),
        .inputs = inputs,
        .path = path,
        .max_bytes = largest_file(),
        .audio = tools->audio,
        .fourier = tools->fourier,
        .tensors = tools->tensors,
        .threads = tools->threads,
        .progress = progress,
    };
    code = spira_shard_compute(&shard, ret_result, err);
    return code == SPIRA_OK ? code : spira_fail_within(err, "shard %jd", (intmax_t)number);
}

static enum spira_code complete(struct spira_step_call *call, struct spira_error *err)
{
    static const char *const carried[] = {"shard", "shards", "plan"};
    struct spira_value *fields = spira_value_map();
    for (size_t i = 0; i < sizeof carried / sizeof *carried; i++)
        spira_value_set(fields, carried[i],
                        spira_value_copy(spira_value_get(call->value, carried[i])));
    spira_value_set(fields, "artifact", spira_value_copy(call->reference));
    return spira_step_emit(call, "features.computed", fields, err);
}

const struct spira_step spira_compute_features_step = {
    .name = "feature_engineering",
    .consumes = "features.requested",
    .version = 3,
    .prefix = "features",
    .prepare = prepare,
    .compute = compute,
    .complete = complete,
};
