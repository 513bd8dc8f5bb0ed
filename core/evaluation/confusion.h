/* Scored recordings, and how often a threshold calls them right. */
#ifndef SPIRA_CORE_EVALUATION_CONFUSION_H
#define SPIRA_CORE_EVALUATION_CONFUSION_H

#include <stdbool.h>
#include <stddef.h>

/* What the model said about one recording. */
struct spira_scored {
    const char *recording; /* its digest; borrowed */
    bool positive;         /* label 1: a patient */
    double score;          /* mean probability over its windows, in [0, 1] */
};

/* The four outcomes: true and false positives and negatives. */
struct spira_confusion {
    size_t tp, fp, tn, fn;
};

/* Counts outcomes when a score of at least threshold is called positive. Borrows scored. */
struct spira_confusion spira_confusion_at(const struct spira_scored *scored, size_t count,
                                          double threshold);

#endif
