/* Messages of the port and of librdkafka. */
#ifndef SPIRA_ADAPTERS_KAFKA_KAFKA_MESSAGE_H
#define SPIRA_ADAPTERS_KAFKA_KAFKA_MESSAGE_H

#include <librdkafka/rdkafka.h>

#include "core/ports/event_bus.h"

/* Gives ret_message, freed with spira_kafka_message_free. Takes raw, which has no error; on failure
 * it is still the caller's. */
SPIRA_MUST_USE enum spira_code spira_kafka_message_new(rd_kafka_message_t *raw,
                                                       const struct spira_message **ret_message,
                                                       struct spira_error *err);
void spira_kafka_message_free(const struct spira_message *message);

/* Gives a copy of the message's headers; NULL where it has none. Free them with
 * rd_kafka_headers_destroy. */
rd_kafka_headers_t *spira_kafka_headers(const struct spira_message *message);

#endif
