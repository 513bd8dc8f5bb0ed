/* The evaluation of a model on the recordings of one role: evaluation.json. docs/evaluation.md has
 * the format. */
#ifndef SPIRA_CORE_EVALUATION_EVALUATION_H
#define SPIRA_CORE_EVALUATION_EVALUATION_H

#include "core/base/value.h"
#include "core/evaluation/confusion.h"
#include "core/ports/digest.h"

/* Gives the evaluation of these recordings when a score of at least threshold is called positive:
 *   {"format": 1, "threshold": t, "recordings": n, "confusion": {"tp", "fp", "tn", "fn"},
 *    "metrics": {name: number or null}, "roc": {"fpr": [...], "tpr": [...]},
 *    "scores": [{"recording", "label", "score"}, ... in the order of the recordings' names]}
 * The order in which the recordings come changes nothing. Borrows scored. */
struct spira_value *spira_evaluation_write(const struct spira_scored *scored, size_t count,
                                           double threshold);

/* SHA-256 of the canonical JSON of {"metrics": ..., "scores": ...} of an evaluation, and of an
 * ensemble's "members" and "cross_validation": equal for equal results, wherever and whenever they
 * were computed. Borrows evaluation. */
struct spira_sha256 spira_evaluation_digest(const struct spira_value *evaluation,
                                            struct spira_digest digest);

#endif
