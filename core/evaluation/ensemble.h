/* The evaluation of a run that was trained several times: of its members together and of each.
 * docs/evaluation.md has the format. */
#ifndef SPIRA_CORE_EVALUATION_ENSEMBLE_H
#define SPIRA_CORE_EVALUATION_ENSEMBLE_H

#include "core/base/value.h"
#include "core/evaluation/confusion.h"
#include "core/run/members.h"

/* One training, and what its network says; all borrowed. */
struct spira_ensemble_member {
    struct spira_member member;
    const char *sha256;                    /* of its weights */
    const struct spira_scored *validation; /* its own validation role */
    size_t validation_count;
    const struct spira_scored *test; /* as many as the ensemble's test_count */
};

struct spira_ensemble {
    /* By number. Those of one fold have the same validation recordings in the same order, all of
     * them the same test recordings in the same order. */
    const struct spira_ensemble_member *members;
    size_t count; /* at least 1 */
    size_t test_count;
    size_t published; /* the member whose model is published */
    double threshold;
};

/* Gives the evaluation (evaluation.h) of the ensemble: a test recording's score is the mean of the
 * members'. With it
 *   "published_member": its number,
 *   "members": [{"member", "fold" and "folds" where there are folds, "seed", "model": sha256,
 *                "validation": {"recordings", "metrics"}, "test": {"metrics"}}],
 *   "cross_validation": with folds, {"recordings", "confusion", "metrics", "scores"} over all
 *                       validation recordings, each scored by the mean of the members that were not
 *                       trained on it,
 *   "spread": {metric: {"mean", "standard_deviation" (of a sample; null of one member), "min",
 *              "max"}} of the members' test metrics; null where a metric is undefined. */
struct spira_value *spira_ensemble_write(const struct spira_ensemble *ensemble);

/* The test metrics of the published member in such an evaluation, or the evaluation's own when it
 * is of one model: what is true of the model that is published. Borrowed from evaluation. */
const struct spira_value *spira_ensemble_published_metrics(const struct spira_value *evaluation);

#endif
