/* Topics: whether they are there, and making them. Any thread; client may be any of ours. */
#ifndef SPIRA_ADAPTERS_KAFKA_KAFKA_TOPICS_H
#define SPIRA_ADAPTERS_KAFKA_KAFKA_TOPICS_H

#include "adapters/kafka/kafka_cluster.h"

/* Gives the topic's count of partitions. SPIRA_ENOTFOUND: a broker said for a second that there is
 * no such topic. */
SPIRA_MUST_USE enum spira_code spira_kafka_topic_partitions(const struct kafka_owner *client,
                                                            const char *topic, int32_t *ret_count,
                                                            struct spira_error *err);
/* The port's ensure_topic. A new topic keeps its messages for ever, has the broker's own count of
 * replicas, and stamps messages with the time at which the broker got them. */
SPIRA_MUST_USE enum spira_code spira_kafka_topic_ensure(const struct kafka_owner *client,
                                                        const char *topic, int32_t partitions,
                                                        struct spira_error *err);
/* Whether a broker answers, within 2 s. */
SPIRA_MUST_USE enum spira_code spira_kafka_probe(const struct kafka_owner *client,
                                                 struct spira_error *err);

#endif
