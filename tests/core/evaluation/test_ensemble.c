#include "core/evaluation/ensemble.h"

#include <criterion/criterion.h>
#include <math.h>

#include "core/evaluation/evaluation.h"
#include "tests/fakes/fake_digest.h"

/* Two folds of two recordings and two seeds; three test recordings. */
static const struct spira_scored validation[4][2] = {
    {{"v1", true, 0.8}, {"v2", false, 0.6}},
    {{"v1", true, 0.4}, {"v2", false, 0.2}},
    {{"v3", true, 0.3}, {"v4", false, 0.1}},
    {{"v3", true, 0.5}, {"v4", false, 0.3}},
};
static const struct spira_scored test[4][3] = {
    {{"t2", false, 0.1}, {"t1", true, 0.9}, {"t3", true, 0.4}},
    {{"t2", false, 0.3}, {"t1", true, 0.7}, {"t3", true, 0.4}},
    {{"t2", false, 0.7}, {"t1", true, 0.8}, {"t3", true, 0.6}},
    {{"t2", false, 0.5}, {"t1", true, 0.8}, {"t3", true, 0.8}},
};
static const char *const weights[4] = {"w0", "w1", "w2", "w3"};

/* The evaluation of the first count members, in folds or (0) in none. */
static struct spira_value *evaluation_of(size_t count, size_t folds)
{
    struct spira_ensemble_member members[4];
    for (size_t i = 0; i < count; i++)
        members[i] = (struct spira_ensemble_member){
            .member = {.number = i, .folds = folds, .fold = folds ? i / 2 : 0, .seed = 7 + i % 2},
            .sha256 = weights[i],
            .validation = validation[i],
            .validation_count = 2,
            .test = test[i],
        };
    const struct spira_ensemble ensemble = {.members = members,
                                            .count = count,
                                            .test_count = 3,
                                            .published = count - 1,
                                            .threshold = 0.5};
    return spira_ensemble_write(&ensemble);
}

static double number(const struct spira_value *map, const char *path)
{
    return spira_value_as_real(spira_value_find(map, path), NAN);
}

static double score_of(const struct spira_value *scores, const char *recording)
{
    for (size_t i = 0; i < spira_value_count(scores); i++)
        if (strcmp(spira_value_get_text(spira_value_at(scores, i), "recording", ""), recording) ==
            0)
            return spira_value_get_real(spira_value_at(scores, i), "score", NAN);
    return NAN;
}

Test(ensemble, a_test_recording_has_the_mean_of_the_members_scores)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = evaluation_of(4, 2);
    const struct spira_value *scores = spira_value_get(evaluation, "scores");
    cr_assert_eq(spira_value_count(scores), 3);
    cr_assert_float_eq(score_of(scores, "t1"), 0.8, 1e-12);
    cr_assert_float_eq(score_of(scores, "t2"), 0.4, 1e-12);
    cr_assert_float_eq(score_of(scores, "t3"), 0.55, 1e-12);
    cr_assert_eq(number(evaluation, "metrics.accuracy"), 1, "though each member is wrong once");
}

Test(ensemble, each_member_says_what_it_is_and_how_good_it_is_alone)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = evaluation_of(4, 2);
    const struct spira_value *members = spira_value_get(evaluation, "members");
    cr_assert_eq(spira_value_count(members), 4);
    const struct spira_value *third = spira_value_at(members, 2);
    cr_assert_eq(spira_value_get_int(third, "member", -1), 2);
    cr_assert_eq(spira_value_get_int(third, "fold", -1), 1);
    cr_assert_eq(spira_value_get_int(third, "folds", -1), 2);
    cr_assert_eq(spira_value_get_int(third, "seed", -1), 7);
    cr_assert_str_eq(spira_value_get_text(third, "model", ""), "w2");
    cr_assert_eq(number(third, "validation.recordings"), 2);
    cr_assert_eq(number(third, "validation.metrics.accuracy"), 0.5);
    cr_assert_float_eq(number(third, "test.metrics.accuracy"), 2.0 / 3, 1e-12);
    cr_assert_eq(spira_value_get_int(evaluation, "published_member", -1), 3);
    cr_assert(spira_value_equal(spira_ensemble_published_metrics(evaluation),
                                spira_value_find(spira_value_at(members, 3), "test.metrics")));
}

Test(ensemble, cross_validation_scores_each_recording_by_those_not_trained_on_it)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = evaluation_of(4, 2);
    const struct spira_value *cross = spira_value_get(evaluation, "cross_validation");
    const struct spira_value *scores = spira_value_get(cross, "scores");
    cr_assert_eq(spira_value_count(scores), 4);
    cr_assert_float_eq(score_of(scores, "v1"), 0.6, 1e-12);
    cr_assert_float_eq(score_of(scores, "v2"), 0.4, 1e-12);
    cr_assert_float_eq(score_of(scores, "v3"), 0.4, 1e-12);
    cr_assert_float_eq(score_of(scores, "v4"), 0.2, 1e-12);
    cr_assert_eq(number(cross, "recordings"), 4);
    cr_assert_eq(number(cross, "metrics.accuracy"), 0.75);
    cr_assert_eq(number(cross, "confusion.fn"), 1);
}

Test(ensemble, seeds_alone_make_no_cross_validation)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = evaluation_of(2, 0);
    cr_assert_null(spira_value_get(evaluation, "cross_validation"));
    const struct spira_value *row = spira_value_at(spira_value_get(evaluation, "members"), 0);
    cr_assert_null(spira_value_get(row, "fold"));
}

Test(ensemble, the_spread_is_over_the_members)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = evaluation_of(4, 2);
    const struct spira_value *spread = spira_value_get(evaluation, "spread");
    /* Accuracies 2/3, 2/3, 2/3 and 2/3; specificities 1, 1, 0 and 0. */
    cr_assert_float_eq(number(spread, "accuracy.mean"), 2.0 / 3, 1e-12);
    cr_assert_eq(number(spread, "accuracy.standard_deviation"), 0);
    cr_assert_eq(number(spread, "specificity.mean"), 0.5);
    cr_assert_float_eq(number(spread, "specificity.standard_deviation"), sqrt(1.0 / 3), 1e-12);
    cr_assert_eq(number(spread, "specificity.min"), 0);
    cr_assert_eq(number(spread, "specificity.max"), 1);
}

Test(ensemble, of_one_member_there_is_no_deviation)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = evaluation_of(1, 0);
    const struct spira_value *spread = spira_value_find(evaluation, "spread.accuracy");
    cr_assert_eq(spira_value_type(spira_value_get(spread, "standard_deviation")), SPIRA_NULL);
    cr_assert_eq(number(spread, "min"), number(spread, "max"));
}

Test(ensemble, its_digest_covers_the_members)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = evaluation_of(4, 2);
    struct spira_sha256 before = spira_evaluation_digest(evaluation, fake_digest());
    spira_value_set_text(spira_value_at(spira_value_get(evaluation, "members"), 0), "model", "w9");
    cr_assert_str_neq(spira_evaluation_digest(evaluation, fake_digest()).hex, before.hex);
}

Test(ensemble, of_a_single_model_the_published_metrics_are_its_own)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = spira_evaluation_write(test[0], 3, 0.5);
    cr_assert_eq(spira_ensemble_published_metrics(evaluation),
                 spira_value_get(evaluation, "metrics"));
}
