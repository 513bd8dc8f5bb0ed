/* The one producer of a bus: idempotent, waits for brokers without limit. Any thread. */
#ifndef SPIRA_ADAPTERS_KAFKA_KAFKA_PRODUCER_H
#define SPIRA_ADAPTERS_KAFKA_KAFKA_PRODUCER_H

#include "adapters/kafka/kafka_cluster.h"

struct kafka_producer;

/* Keeps cluster. Gives ret_producer, freed with spira_kafka_producer_free. */
SPIRA_MUST_USE enum spira_code spira_kafka_producer_new(const struct kafka_cluster *cluster,
                                                        struct kafka_producer **ret_producer,
                                                        struct spira_error *err);
/* Messages that are not acknowledged yet may be lost. NULL is fine. */
void spira_kafka_producer_free(struct kafka_producer *producer);

/* Its client, for questions. */
const struct kafka_owner *spira_kafka_producer_client(const struct kafka_producer *producer);

/* The port's send and flush. A message that a broker refused for good is reported by the next flush
 * of each thread that sends or flushes; it is no longer queued then, and may be sent again. */
SPIRA_MUST_USE enum spira_code spira_kafka_producer_send(struct kafka_producer *producer,
                                                         const struct spira_message *message,
                                                         struct spira_error *err);
SPIRA_MUST_USE enum spira_code spira_kafka_producer_flush(struct kafka_producer *producer,
                                                          int timeout_ms, struct spira_error *err);
/* Takes the acknowledgements that have come. */
void spira_kafka_producer_serve(struct kafka_producer *producer);

#endif
