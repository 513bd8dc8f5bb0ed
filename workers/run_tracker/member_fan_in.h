/* From the several trainings of a run to its model. */
#ifndef SPIRA_WORKERS_RUN_TRACKER_MEMBER_FAN_IN_H
#define SPIRA_WORKERS_RUN_TRACKER_MEMBER_FAN_IN_H

#include "workers/common/run/events.h"

/* When every member of the run under way that this training.computed event belongs to is there:
 * keeps the list of them,
 *     members/<digest>.json = {"format": 1, "published": the number of the best,
 *         "members": [{"member", "fold" and "folds" where there are folds, "seed",
 *                      "artifact": reference}]}
 * and emits model.trained with the artifact of the best: of the lowest validation loss, or the best
 * value of train.early_stop_metric; the first of equals. Or run.failed, or asks for what is lost,
 * as fan_in.h. Else nothing. Repeating it repeats the same events. */
SPIRA_MUST_USE enum spira_code spira_member_fan_in(const struct spira_worker *worker,
                                                   const struct spira_value *training_computed,
                                                   struct spira_error *err);

#endif
