/* Scores of recordings: what evaluation and prediction are made of. */
#ifndef SPIRA_CORE_TRAINING_SCORE_H
#define SPIRA_CORE_TRAINING_SCORE_H

#include "core/model/network.h"
#include "core/ports/progress.h"

/* Fills ret_scores (one for each recording of loader, in its order) with the mean over its windows
 * of the probability. Memory does not grow with the number of recordings. SPIRA_EINTERRUPTED,
 * codes of spira_network_predict and of the loader. */
SPIRA_MUST_USE enum spira_code spira_score_recordings(struct spira_network *network,
                                                      struct spira_loader loader,
                                                      struct spira_progress progress,
                                                      double *ret_scores, struct spira_error *err);

#endif
