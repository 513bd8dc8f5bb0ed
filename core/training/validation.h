/* How well the network does on the recordings it is not trained on. */
#ifndef SPIRA_CORE_TRAINING_VALIDATION_H
#define SPIRA_CORE_TRAINING_VALIDATION_H

#include "core/model/network.h"
#include "core/ports/progress.h"

struct spira_validation {
    double loss; /* over all windows: their mean, or balanced as core/training/loss.h says */
    double
        accuracy; /* share of the recordings whose score, at least 0.5 or not, fits their label */
};

/* The same bits for any number of threads. SPIRA_EINVALID: loader has no recording; codes of
 * spira_infer. */
SPIRA_MUST_USE enum spira_code
spira_validate(struct spira_network *network, struct spira_loader loader,
               const struct spira_train_config *config, struct spira_progress progress,
               struct spira_validation *ret_validation, struct spira_error *err);

#endif
