/* The receiver operating characteristic: what every threshold would do.
 * Equal scores are one threshold, as in scikit-learn (Fawcett, "An introduction to ROC analysis",
 * Pattern Recognition Letters 27, 2006). */
#ifndef SPIRA_CORE_EVALUATION_ROC_H
#define SPIRA_CORE_EVALUATION_ROC_H

#include "core/evaluation/confusion.h"

/* The recordings called positive when the threshold is one of the scores. */
struct spira_cut {
    size_t tp, fp;
};

/* One cut per distinct score, from the highest score down; the last one calls every recording
 * positive. Gives the array (free it with free()) and its length, at most count; NULL and 0 when
 * there are no recordings. Borrows scored. */
struct spira_cut *spira_roc_cuts(const struct spira_scored *scored, size_t count,
                                 size_t *ret_count);

/* The curve from (0, 0) to (1, 1). */
struct spira_roc {
    double *fpr, *tpr; /* false and true positive rates, count each */
    size_t count;
};

/* Gives the curve, as scikit-learn's roc_curve draws it: points on the straight line between their
 * neighbours are left out. It has no points when a class is absent. Borrows scored. Free with
 * spira_roc_done. */
struct spira_roc spira_roc_curve(const struct spira_scored *scored, size_t count);
void spira_roc_done(struct spira_roc *roc); /* a zeroed one is fine */

#endif
