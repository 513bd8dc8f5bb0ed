/* The network over every recording of a loader, without training it. */
#ifndef SPIRA_CORE_TRAINING_INFERENCE_H
#define SPIRA_CORE_TRAINING_INFERENCE_H

#include "core/model/network.h"
#include "core/ports/progress.h"

/* What the network says of one recording. */
struct spira_inferred {
    size_t recording;                     /* index of the loader */
    const struct spira_window *windows;   /* without data */
    size_t count;                         /* at least 1 */
    const double *probabilities, *losses; /* of each window, the means over its outputs */
    double score;                         /* mean of the probabilities */
};

/* Borrows inferred. */
typedef void spira_inferred_visit(void *context, const struct spira_inferred *inferred);

/* Calls visit for each recording, in the loader's order, as its epoch 0 shows it. Memory does not
 * grow with the number of recordings. SPIRA_EINTERRUPTED when progress wants it to stop (it is told
 * nothing); SPIRA_EINVALID: a recording without a window; codes of spira_network_predict and of the
 * loader. */
SPIRA_MUST_USE enum spira_code spira_infer(struct spira_network *network,
                                           struct spira_loader loader, bool clipping,
                                           struct spira_progress progress,
                                           spira_inferred_visit *visit, void *context,
                                           struct spira_error *err);

#endif
