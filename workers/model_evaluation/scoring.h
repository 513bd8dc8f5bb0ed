/* Scores of the recordings of a role by one network after the other. */
#ifndef SPIRA_WORKERS_MODEL_EVALUATION_SCORING_H
#define SPIRA_WORKERS_MODEL_EVALUATION_SCORING_H

#include "core/evaluation/confusion.h"
#include "core/model/network.h"
#include "core/run/members.h"
#include "workers/common/worker.h"

struct spira_scorer {
    const struct spira_tools *tools;
    const struct spira_value *dataset; /* dataset.json; its shards are in inputs */
    const char *inputs;
    size_t padded_frames; /* 0: windows as they are */
    struct spira_network *network;
    struct spira_progress progress;
};

struct spira_scores {
    struct spira_scored *scored; /* in the order of the dataset; the names are in names */
    struct spira_sha256 *names;
    size_t count;
};

void spira_scores_done(struct spira_scores *scores); /* a zeroed one is fine */

/* Loads a network's weights from inputs/<file>. Codes of spira_weights_load. */
SPIRA_MUST_USE enum spira_code spira_scorer_load(struct spira_scorer *scorer, const char *file,
                                                 struct spira_error *err);

/* Fills ret_scores (spira_scores_done) with the test role, or with a member's validation role.
 * Codes of the loader and of spira_score_recordings. */
SPIRA_MUST_USE enum spira_code spira_scorer_test(const struct spira_scorer *scorer,
                                                 struct spira_scores *ret_scores,
                                                 struct spira_error *err);
SPIRA_MUST_USE enum spira_code spira_scorer_validation(const struct spira_scorer *scorer,
                                                       const struct spira_member *member,
                                                       struct spira_scores *ret_scores,
                                                       struct spira_error *err);

#endif
