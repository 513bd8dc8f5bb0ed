/* The topics of the system, and who keeps order in how many partitions. */
#ifndef SPIRA_WORKERS_COMMON_RUN_TOPICS_H
#define SPIRA_WORKERS_COMMON_RUN_TOPICS_H

#include "workers/common/run/events.h"

/* Called for a topic of this system. Any code but SPIRA_OK ends the visit with it. */
typedef enum spira_code spira_topic_visit(void *context, const char *topic, int32_t partitions,
                                          struct spira_error *err);

/* Visits the topic of every event, in the order of the pipeline. With dead_letters each is followed
 * by that of its dead letters. partitions is what a fleet needs: for the topics whose messages many
 * workers share (audio.*, features.requested, training.requested) shared, which is 4 for each
 * worker of a step, 4 for the others, whose messages are few, and 1 for dead letters. */
SPIRA_MUST_USE enum spira_code spira_topics_visit(const struct spira_worker *worker,
                                                  bool dead_letters, int32_t shared,
                                                  spira_topic_visit *visit, void *context,
                                                  struct spira_error *err);

#endif
