/* The evaluation of a run that was trained several times. */
#ifndef SPIRA_WORKERS_MODEL_EVALUATION_MEMBER_SCORES_H
#define SPIRA_WORKERS_MODEL_EVALUATION_MEMBER_SCORES_H

#include "workers/common/step/step.h"
#include "workers/model_evaluation/scoring.h"

/* Adds a member's weights to the inputs of the call's job and what it is to the list
 * parameters.members. row: of the list of the members (run_tracker/member_fan_in.h). Codes of
 * spira_step_part. */
SPIRA_MUST_USE enum spira_code spira_add_member(struct spira_step_call *call,
                                                const struct spira_value *row,
                                                struct spira_error *err);

/* Gives the evaluation (core/evaluation/ensemble.h) of the members that the job lists. Codes of the
 * scorer. */
SPIRA_MUST_USE enum spira_code spira_evaluate_members(const struct spira_job *job,
                                                      struct spira_scorer *scorer, double threshold,
                                                      struct spira_value **ret_evaluation,
                                                      struct spira_error *err);

/* Sets what a result says of an ensemble's evaluation beside its own metrics: "published_member"
 * and "published_metrics", "members", "cross_validation" (metrics alone, where there are folds),
 * "spread". */
void spira_describe_members(const struct spira_value *evaluation, struct spira_value *result);

#endif
