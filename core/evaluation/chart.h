/* The charts of a report, as inline SVG. Their colours are the page's (report_style.h). */
#ifndef SPIRA_CORE_EVALUATION_CHART_H
#define SPIRA_CORE_EVALUATION_CHART_H

#include <stdio.h>

#include "core/base/value.h"

/* The ROC curve of an evaluation with its area and the point where the threshold works. */
void spira_chart_roc(const struct spira_value *evaluation, FILE *out);

/* Counts of scores in twenty bins, patients above, controls below, the threshold across both. */
void spira_chart_scores(const struct spira_value *evaluation, FILE *out);

/* Training and validation loss per epoch, the epoch with the lowest validation loss marked.
 * training is a list of {"epoch", "training_loss", "validation_loss"}; null losses are gaps. */
void spira_chart_learning(const struct spira_value *training, FILE *out);

/* The entry of training with the lowest validation loss, the first of several; NULL when there is
 * none. Borrowed from training. */
const struct spira_value *spira_chart_best_epoch(const struct spira_value *training);

#endif
