/* Slow twins of the ranking metrics: as their definitions read. */
#ifndef SPIRA_TESTS_ORACLE_AUC_H
#define SPIRA_TESTS_ORACLE_AUC_H

#include "core/evaluation/confusion.h"

/* The mean over all pairs of a positive and a negative: 1 when the positive scores higher, 1/2 when
 * they tie. */
static inline double oracle_roc_auc(const struct spira_scored *scored, size_t count)
{
    double won = 0, pairs = 0;
    for (size_t p = 0; p < count; p++)
        for (size_t n = 0; n < count; n++) {
            if (!scored[p].positive || scored[n].positive)
                continue;
            won += scored[p].score > scored[n].score    ? 1
                   : scored[p].score == scored[n].score ? 0.5
                                                        : 0;
            pairs++;
        }
    return won / pairs;
}

/* The mean over positives of the precision at the threshold that is their score: a positive adds
 * 1/P to the recall at its own score, whatever ties with it. */
static inline double oracle_average_precision(const struct spira_scored *scored, size_t count)
{
    double sum = 0, positives = 0;
    for (size_t p = 0; p < count; p++) {
        if (!scored[p].positive)
            continue;
        struct spira_confusion at = spira_confusion_at(scored, count, scored[p].score);
        sum += (double)at.tp / (double)(at.tp + at.fp);
        positives++;
    }
    return sum / positives;
}

#endif
