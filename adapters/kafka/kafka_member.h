/* A member of a consumer group: the port's consumer. One thread. */
#ifndef SPIRA_ADAPTERS_KAFKA_KAFKA_MEMBER_H
#define SPIRA_ADAPTERS_KAFKA_KAFKA_MEMBER_H

#include "adapters/kafka/kafka_producer.h"

/* The port's subscribe. Keeps cluster and producer, whose acknowledgements each poll takes. */
SPIRA_MUST_USE enum spira_code
spira_kafka_subscribe(const struct kafka_cluster *cluster, struct kafka_producer *producer,
                      const char *group, const char *const *topics, size_t topic_count,
                      struct spira_consumer *ret_consumer, struct spira_error *err);

#endif
