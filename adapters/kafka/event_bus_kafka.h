/* The event_bus port on Apache Kafka, by librdkafka. */
#ifndef SPIRA_ADAPTERS_KAFKA_EVENT_BUS_KAFKA_H
#define SPIRA_ADAPTERS_KAFKA_EVENT_BUS_KAFKA_H

#include "core/ports/event_bus.h"

struct spira_kafka_property {
    const char *name;
    const char *value;
};

/* A line librdkafka wrote; level as in syslog(3), 0 to 7. Called from any thread. */
typedef void spira_kafka_log(void *context, int level, const char *text);

struct spira_kafka_settings {
    const char *bootstrap_servers; /* host:port,host:port */
    const char *client_id;
    /* A name that is this process's alone, for static membership: who comes back under it within
     * session.timeout.ms finds its partitions again, and nobody else's are taken away. One bus then
     * has one consumer per group at a time. NULL: dynamic membership. */
    const char *group_instance_id;
    /* Properties of librdkafka, which override ours, but for the few that would break a promise of
     * the port. */
    const struct spira_kafka_property *properties;
    size_t property_count;
    spira_kafka_log *log; /* NULL: nobody reads it */
    void *log_context;
};

/* Gives a bus, which ends with spira_event_bus_done. Borrows settings; keeps log_context. Waits for
 * no broker. SPIRA_EINVALID for a property that is unknown, refused or has a wrong value; the
 * message names both.
 *
 * Every call of the bus answers within some 5 s, but read (10 s without progress), ensure_topic
 * (15 s) and flush (its timeout); of a consumer, commit and seek within 5 s, poll within its
 * timeout and 2 s more after a rebalance. Messages begin with the bootstrap servers:
 * SPIRA_EUNREACHABLE when no broker answers or cannot do it now, SPIRA_EBUG when the client is
 * beyond repair.
 *
 * Keys and header values are text in this port: what other programs wrote ends at its first zero
 * byte. A message without a value has value NULL and size 0. */
SPIRA_MUST_USE enum spira_code spira_event_bus_kafka(const struct spira_kafka_settings *settings,
                                                     struct spira_event_bus *ret_bus,
                                                     struct spira_error *err);

#endif
