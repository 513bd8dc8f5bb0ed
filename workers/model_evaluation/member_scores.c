#include "workers/model_evaluation/member_scores.h"

#include "core/evaluation/ensemble.h"

/* The input with the weights of a member. */
static char *file_of(int64_t member)
{
    return spira_format("member-%05jd.safetensors", (intmax_t)member);
}

enum spira_code spira_add_member(struct spira_step_call *call, const struct spira_value *row,
                                 struct spira_error *err)
{
    static const char *const copied[] = {"member", "fold", "folds", "seed"};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = NULL;
    enum spira_code code = spira_step_part(call, spira_value_get(row, "artifact"), &artifact, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_value *weights = spira_artifact_file(artifact, "model.safetensors");
    struct spira_value *member =
        spira_value_append(spira_value_get(call->job.parameters, "members"), spira_value_map());
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        if (spira_value_get(row, copied[i]))
            spira_value_set(member, copied[i], spira_value_copy(spira_value_get(row, copied[i])));
    spira_value_set(member, "model", spira_value_copy(spira_value_get(weights, "sha256")));
    SPIRA_CLEANUP(spira_free_at)
    char *file = file_of(spira_value_get_int(row, "member", 0));
    spira_job_input_reference(&call->job, file, weights, "");
    return SPIRA_OK;
}

/* The members while they are scored. */
struct scoring {
    struct spira_ensemble_member *members;
    struct spira_scores *validation, *test; /* one each */
    size_t count;
};

static void scoring_done(struct scoring *scoring)
{
    for (size_t i = 0; i < scoring->count; i++) {
        spira_scores_done(&scoring->validation[i]);
        spira_scores_done(&scoring->test[i]);
    }
    free(scoring->members);
    free(scoring->validation);
    free(scoring->test);
}

/* Progress of the test role of one member as a part of all of it. */
struct part {
    struct spira_progress whole;
    size_t number, count;
};

static void report_part(void *self, const struct spira_progress_report *report)
{
    const struct part *part = self;
    struct spira_progress_report all = *report;
    all.done = part->number * report->total + report->done;
    all.total = part->count * report->total;
    spira_progress_report(part->whole, &all);
}

static bool stop_wanted(void *self)
{
    return spira_progress_stop_wanted(((const struct part *)self)->whole);
}

static void no_report(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

static enum spira_code score_member(struct spira_scorer *scorer, struct scoring *scoring, size_t i,
                                    struct spira_error *err)
{
    static const struct spira_progress_ops shown = {.report = report_part,
                                                    .stop_wanted = stop_wanted};
    static const struct spira_progress_ops silent = {.report = no_report,
                                                     .stop_wanted = stop_wanted};
    struct part part = {.whole = scorer->progress, .number = i, .count = scoring->count};
    struct spira_ensemble_member *member = &scoring->members[i];
    struct spira_scorer own = *scorer;
    own.progress = (struct spira_progress){.ops = &silent, .self = &part};
    SPIRA_CLEANUP(spira_free_at)
    char *file = file_of((int64_t)member->member.number);
    enum spira_code code = spira_scorer_load(&own, file, err);
    if (code == SPIRA_OK)
        code = spira_scorer_validation(&own, &member->member, &scoring->validation[i], err);
    own.progress.ops = &shown;
    if (code == SPIRA_OK)
        code = spira_scorer_test(&own, &scoring->test[i], err);
    if (code != SPIRA_OK)
        return code;
    member->validation = scoring->validation[i].scored;
    member->validation_count = scoring->validation[i].count;
    member->test = scoring->test[i].scored;
    return SPIRA_OK;
}

enum spira_code spira_evaluate_members(const struct spira_job *job, struct spira_scorer *scorer,
                                       double threshold, struct spira_value **ret_evaluation,
                                       struct spira_error *err)
{
    const struct spira_value *rows = spira_value_get(job->parameters, "members");
    const size_t count = spira_value_count(rows);
    SPIRA_CLEANUP(scoring_done)
    struct scoring scoring = {
        .members = spira_alloc(count, sizeof *scoring.members),
        .validation = spira_alloc(count, sizeof *scoring.validation),
        .test = spira_alloc(count, sizeof *scoring.test),
        .count = count,
    };
    for (size_t i = 0; i < count; i++) {
        const struct spira_value *row = spira_value_at(rows, i);
        scoring.members[i].member = (struct spira_member){
            .number = (size_t)spira_value_get_int(row, "member", 0),
            .folds = (size_t)spira_value_get_int(row, "folds", 0),
            .fold = (size_t)spira_value_get_int(row, "fold", 0),
            .seed = (uint64_t)spira_value_get_int(row, "seed", 0),
        };
        scoring.members[i].sha256 = spira_value_get_text(row, "model", "");
        enum spira_code code = score_member(scorer, &scoring, i, err);
        if (code != SPIRA_OK)
            return code;
    }
    const struct spira_ensemble ensemble = {
        .members = scoring.members,
        .count = count,
        .test_count = scoring.test[0].count,
        .published = (size_t)spira_value_get_int(job->parameters, "published_member", 0),
        .threshold = threshold,
    };
    *ret_evaluation = spira_ensemble_write(&ensemble);
    return SPIRA_OK;
}

void spira_describe_members(const struct spira_value *evaluation, struct spira_value *result)
{
    static const char *const copied[] = {"published_member", "members", "spread"};
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        spira_value_set(result, copied[i],
                        spira_value_copy(spira_value_get(evaluation, copied[i])));
    spira_value_set(result, "published_metrics",
                    spira_value_copy(spira_ensemble_published_metrics(evaluation)));
    const struct spira_value *cross = spira_value_find(evaluation, "cross_validation.metrics");
    if (cross)
        spira_value_set(result, "cross_validation", spira_value_copy(cross));
}
