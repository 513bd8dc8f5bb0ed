#include "core/evaluation/ensemble.h"

#include <assert.h>
#include <math.h>

#include "core/evaluation/evaluation.h"
#include "core/evaluation/metrics.h"

/* What of one member's scores a mean is made of. */
typedef const struct spira_scored *scores_of(const struct spira_ensemble_member *member);

static const struct spira_scored *test_of(const struct spira_ensemble_member *member)
{
    return member->test;
}

static const struct spira_scored *validation_of(const struct spira_ensemble_member *member)
{
    return member->validation;
}

/* Fills ret_scored with the recordings of these members, each with the mean of their scores. */
static void mean_scores(const struct spira_ensemble_member *members, size_t count, scores_of *of,
                        size_t recordings, struct spira_scored *ret_scored)
{
    for (size_t i = 0; i < recordings; i++) {
        double sum = 0;
        for (size_t m = 0; m < count; m++)
            sum += of(&members[m])[i].score;
        ret_scored[i] = of(&members[0])[i];
        ret_scored[i].score = sum / (double)count;
    }
}

static void set_metrics(struct spira_value *map, const struct spira_scored *scored, size_t count,
                        double threshold)
{
    spira_value_set(map, "metrics", spira_metrics_write(scored, count, threshold));
}

static struct spira_value *write_members(const struct spira_ensemble *ensemble)
{
    struct spira_value *list = spira_value_list();
    for (size_t i = 0; i < ensemble->count; i++) {
        const struct spira_ensemble_member *member = &ensemble->members[i];
        struct spira_value *row = spira_value_append(list, spira_value_map());
        spira_member_describe(&member->member, row);
        spira_value_set_text(row, "model", member->sha256);
        struct spira_value *validation = spira_value_set(row, "validation", spira_value_map());
        spira_value_set_int(validation, "recordings", (int64_t)member->validation_count);
        set_metrics(validation, member->validation, member->validation_count, ensemble->threshold);
        set_metrics(spira_value_set(row, "test", spira_value_map()), member->test,
                    ensemble->test_count, ensemble->threshold);
    }
    return list;
}

/* Where the members of the fold of members[begin] end. */
static size_t fold_end(const struct spira_ensemble *ensemble, size_t begin)
{
    size_t end = begin;
    while (end < ensemble->count &&
           ensemble->members[end].member.fold == ensemble->members[begin].member.fold)
        end++;
    return end;
}

static struct spira_value *write_cross_validation(const struct spira_ensemble *ensemble)
{
    static const char *const kept[] = {"recordings", "confusion", "metrics", "scores"};
    size_t count = 0;
    for (size_t i = 0; i < ensemble->count; i = fold_end(ensemble, i))
        count += ensemble->members[i].validation_count;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_scored *scored = spira_alloc(count, sizeof *scored);
    size_t filled = 0;
    for (size_t i = 0; i < ensemble->count; i = fold_end(ensemble, i)) {
        const struct spira_ensemble_member *members = &ensemble->members[i];
        mean_scores(members, fold_end(ensemble, i) - i, validation_of, members->validation_count,
                    scored + filled);
        filled += members->validation_count;
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *all = spira_evaluation_write(scored, count, ensemble->threshold);
    struct spira_value *cross = spira_value_map();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        spira_value_set(cross, kept[i], spira_value_copy(spira_value_get(all, kept[i])));
    return cross;
}

/* Of the values of one metric; not a number when the metric is undefined. */
static struct spira_value *write_spread_of(const double *values, size_t count)
{
    double sum = 0, squares = 0, least = values[0], most = values[0];
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            return spira_value_null();
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
    }
    for (size_t i = 0; i < count; i++) /* from the least: equal values have exactly that mean */
        sum += values[i] - least;
    double mean = least + sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    struct spira_value *spread = spira_value_map();
    spira_value_set_real(spread, "mean", mean);
    spira_value_set_real(spread, "standard_deviation",
                         count > 1 ? sqrt(squares / (double)(count - 1)) : (double)NAN);
    spira_value_set_real(spread, "min", least);
    spira_value_set_real(spread, "max", most);
    return spread;
}

static struct spira_value *write_spread(const struct spira_ensemble *ensemble)
{
    SPIRA_CLEANUP(spira_free_at)
    double *values = spira_alloc(ensemble->count, sizeof *values);
    struct spira_value *spread = spira_value_map();
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++) {
        for (size_t i = 0; i < ensemble->count; i++)
            values[i] = spira_metric_compute(metric, ensemble->members[i].test,
                                             ensemble->test_count, ensemble->threshold);
        spira_value_set(spread, metric->name, write_spread_of(values, ensemble->count));
    }
    return spread;
}

struct spira_value *spira_ensemble_write(const struct spira_ensemble *ensemble)
{
    assert(ensemble->count > 0 && ensemble->published < ensemble->count);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_scored *scored = spira_alloc(ensemble->test_count, sizeof *scored);
    mean_scores(ensemble->members, ensemble->count, test_of, ensemble->test_count, scored);
    struct spira_value *evaluation =
        spira_evaluation_write(scored, ensemble->test_count, ensemble->threshold);
    spira_value_set_int(evaluation, "published_member", (int64_t)ensemble->published);
    spira_value_set(evaluation, "members", write_members(ensemble));
    if (ensemble->members[0].member.folds > 0)
        spira_value_set(evaluation, "cross_validation", write_cross_validation(ensemble));
    spira_value_set(evaluation, "spread", write_spread(ensemble));
    return evaluation;
}

const struct spira_value *spira_ensemble_published_metrics(const struct spira_value *evaluation)
{
    const struct spira_value *members = spira_value_get(evaluation, "members");
    if (!members)
        return spira_value_get(evaluation, "metrics");
    size_t published = (size_t)spira_value_get_int(evaluation, "published_member", 0);
    return spira_value_find(spira_value_at(members, published), "test.metrics");
}
