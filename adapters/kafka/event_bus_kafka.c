#include "adapters/kafka/event_bus_kafka.h"

#include "adapters/kafka/kafka_member.h"
#include "adapters/kafka/kafka_reader.h"
#include "adapters/kafka/kafka_topics.h"

struct kafka_bus {
    struct kafka_cluster cluster;
    struct kafka_producer *producer;
    struct kafka_readers *readers;
    const struct kafka_owner *client; /* the producer's, which also answers questions */
};

static enum spira_code send_message(void *self, const struct spira_message *message,
                                    struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_producer_send(bus->producer, message, err);
}

static enum spira_code flush(void *self, int timeout_ms, struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_producer_flush(bus->producer, timeout_ms, err);
}

static enum spira_code subscribe(void *self, const char *group, const char *const *topics,
                                 size_t topic_count, struct spira_consumer *ret_consumer,
                                 struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_subscribe(&bus->cluster, bus->producer, group, topics, topic_count,
                                 ret_consumer, err);
}

static enum spira_code ensure_topic(void *self, const char *topic, int32_t partitions,
                                    struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_topic_ensure(bus->client, topic, partitions, err);
}

static enum spira_code ranges(void *self, const char *topic, struct spira_offset_range **ret_ranges,
                              size_t *ret_count, struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_ranges(bus->client, NULL, topic, ret_ranges, ret_count, err);
}

static enum spira_code pending(void *self, const char *group, const char *topic,
                               struct spira_offset_range **ret_ranges, size_t *ret_count,
                               struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_ranges(bus->client, group, topic, ret_ranges, ret_count, err);
}

static enum spira_code read_range(void *self, const struct spira_offset_range *range,
                                  spira_message_visit *visit, void *context,
                                  struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_read(bus->readers, bus->client, range, visit, context, err);
}

static enum spira_code offset_at(void *self, const char *topic, int32_t partition,
                                 int64_t timestamp_ms, int64_t *ret_offset, struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_offset_at(bus->client, topic, partition, timestamp_ms, ret_offset, err);
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    struct kafka_bus *bus = self;
    return spira_kafka_probe(bus->client, err);
}

static void close_bus(void *self)
{
    struct kafka_bus *bus = self;
    spira_kafka_readers_free(bus->readers);
    spira_kafka_producer_free(bus->producer);
    spira_kafka_cluster_done(&bus->cluster);
    free(bus);
}

enum spira_code spira_event_bus_kafka(const struct spira_kafka_settings *settings,
                                      struct spira_event_bus *ret_bus, struct spira_error *err)
{
    static const struct spira_event_bus_ops ops = {.send = send_message,
                                                   .flush = flush,
                                                   .subscribe = subscribe,
                                                   .ensure_topic = ensure_topic,
                                                   .ranges = ranges,
                                                   .pending = pending,
                                                   .read = read_range,
                                                   .offset_at = offset_at,
                                                   .probe = probe,
                                                   .close = close_bus};
    struct kafka_bus *bus = spira_alloc(1, sizeof *bus);
    enum spira_code code = spira_kafka_cluster_init(&bus->cluster, settings, err);
    if (code == SPIRA_OK)
        code = spira_kafka_producer_new(&bus->cluster, &bus->producer, err);
    if (code == SPIRA_OK)
        code = spira_kafka_readers_new(&bus->cluster, &bus->readers, err);
    if (code != SPIRA_OK) {
        close_bus(bus);
        return code;
    }
    bus->client = spira_kafka_producer_client(bus->producer);
    *ret_bus = (struct spira_event_bus){.ops = &ops, .self = bus};
    return SPIRA_OK;
}
