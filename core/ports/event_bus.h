/* Port: topics of events. Adapters: adapters/kafka, adapters/memory, adapters/flaky; Kafka's
 * semantics are the measure: partitions keep order, offsets count from 0, a consumer group divides
 * partitions among its members, delivery is at least once. */
#ifndef SPIRA_CORE_PORTS_EVENT_BUS_H
#define SPIRA_CORE_PORTS_EVENT_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/memory.h"

enum { SPIRA_TOPIC_MAX = 250 };

struct spira_header {
    const char *name;
    const char *value; /* text */
};

/* What is sent, and what arrives. In a message to send, partition, offset and timestamp_ms are
 * ignored. */
struct spira_message {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* when the bus got it */
    const char *key;      /* the same key goes to the same partition; NULL: to any */
    const void *value;
    size_t size;
    const struct spira_header *headers;
    size_t header_count;
};

/* A stretch of one partition: offsets in [from, to). */
struct spira_offset_range {
    char topic[SPIRA_TOPIC_MAX];
    int32_t partition;
    int64_t from, to;
};

/* Where a member goes on in a partition it owns. */
struct spira_position {
    char topic[SPIRA_TOPIC_MAX];
    int32_t partition;
    int64_t next;      /* offset of the message that poll gives next */
    int64_t committed; /* the group goes on here when this member is gone */
};

/* Called for each message of a read; borrows message. Any code but SPIRA_OK ends the read with it.
 */
typedef enum spira_code spira_message_visit(void *context, const struct spira_message *message,
                                            struct spira_error *err);

struct spira_consumer_ops {
    /* The next message of an owned, unpaused partition, or none (ret_message NULL) after
     * timeout_ms. Gives ret_message until release. Rebalances happen inside poll, so it must go on
     * being called while its caller is busy. SPIRA_EUNREACHABLE is information: poll again.
     * SPIRA_EBUG: the client is beyond repair; exit and be restarted. */
    enum spira_code (*poll)(void *self, int timeout_ms, const struct spira_message **ret_message,
                            struct spira_error *err);
    void (*release)(void *self, const struct spira_message *message);
    /* No message comes until resume; partitions assigned meanwhile are paused too. Both can be
     * repeated. */
    void (*pause)(void *self);
    void (*resume)(void *self);
    /* Whether this member owns the partition now. */
    bool (*owns)(void *self, const char *topic, int32_t partition);
    /* The group goes on behind this message (durable when it returns). SPIRA_ECONFLICT: the
     * partition is somebody else's now; nothing changed. */
    enum spira_code (*commit)(void *self, const struct spira_message *message,
                              struct spira_error *err);
    /* Gives where this member goes on, a position for each partition it owns; ret_positions is
     * freed with free(). */
    enum spira_code (*positions)(void *self, struct spira_position **ret_positions,
                                 size_t *ret_count, struct spira_error *err);
    /* poll goes on at this offset of the partition, back or ahead (at the first there is, where it
     * has expired); what is committed stays. SPIRA_ECONFLICT: the partition is somebody else's
     * now. SPIRA_ENOTFOUND: the offset is above the partition's end. */
    enum spira_code (*seek)(void *self, const char *topic, int32_t partition, int64_t offset,
                            struct spira_error *err);
    /* Leaves the group. Uncommitted messages are delivered again, to whoever owns the partition
     * next. */
    void (*close)(void *self);
};

/* One member of a consumer group. One thread. */
struct spira_consumer {
    const struct spira_consumer_ops *ops;
    void *self;
};

struct spira_event_bus_ops {
    /* Queues a copy of the message for sending. SPIRA_ENOTFOUND: no such topic. */
    enum spira_code (*send)(void *self, const struct spira_message *message,
                            struct spira_error *err);
    /* Waits until every queued message is acknowledged. SPIRA_ETIMEOUT: not all are yet; flush
     * again. Any other code: one was refused and is queued no more; this is told once, so who
     * flushes again must send again before. */
    enum spira_code (*flush)(void *self, int timeout_ms, struct spira_error *err);
    /* Joins group for these topics; a group that has committed nothing begins at the beginning.
     * Gives ret_consumer. SPIRA_ENOTFOUND: no such topic. */
    enum spira_code (*subscribe)(void *self, const char *group, const char *const *topics,
                                 size_t topic_count, struct spira_consumer *ret_consumer,
                                 struct spira_error *err);
    /* Makes a topic; one that is there with as many partitions is success. SPIRA_EINVALID: it has
     * another count, or this is no name for a topic (1 to 249 of [A-Za-z0-9._-]). */
    enum spira_code (*ensure_topic)(void *self, const char *topic, int32_t partitions,
                                    struct spira_error *err);
    /* Gives what each partition of the topic holds now, in the order of partitions; ret_ranges is
     * freed with free(). SPIRA_ENOTFOUND. */
    enum spira_code (*ranges)(void *self, const char *topic, struct spira_offset_range **ret_ranges,
                              size_t *ret_count, struct spira_error *err);
    /* Gives what each partition of the topic holds that the group has not committed, as ranges
     * does; the group need not exist. A range's `from` below that of ranges(): messages expired
     * unread. SPIRA_ENOTFOUND: no such topic. */
    enum spira_code (*pending)(void *self, const char *group, const char *topic,
                               struct spira_offset_range **ret_ranges, size_t *ret_count,
                               struct spira_error *err);
    /* Visits the messages of a range in order, without joining any group; the visit may call the
     * bus. SPIRA_ENOTFOUND: the range reaches below what the partition still holds, or above its
     * end. */
    enum spira_code (*read)(void *self, const struct spira_offset_range *range,
                            spira_message_visit *visit, void *context, struct spira_error *err);
    /* The first offset whose message has at least this timestamp; the end where there is none. */
    enum spira_code (*offset_at)(void *self, const char *topic, int32_t partition,
                                 int64_t timestamp_ms, int64_t *ret_offset,
                                 struct spira_error *err);
    /* Answers whether the bus can be used now; the message names its address. */
    enum spira_code (*probe)(void *self, struct spira_error *err);
    /* After every consumer of it. */
    void (*close)(void *self);
};

/* send, flush and the readers: any number of threads. */
struct spira_event_bus {
    const struct spira_event_bus_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code
spira_consumer_poll(struct spira_consumer consumer, int timeout_ms,
                    const struct spira_message **ret_message, struct spira_error *err)
{
    return consumer.ops->poll(consumer.self, timeout_ms, ret_message, err);
}

static inline void spira_consumer_release(struct spira_consumer consumer,
                                          const struct spira_message *message)
{
    consumer.ops->release(consumer.self, message);
}

static inline void spira_consumer_pause(struct spira_consumer consumer)
{
    consumer.ops->pause(consumer.self);
}

static inline void spira_consumer_resume(struct spira_consumer consumer)
{
    consumer.ops->resume(consumer.self);
}

static inline bool spira_consumer_owns(struct spira_consumer consumer, const char *topic,
                                       int32_t partition)
{
    return consumer.ops->owns(consumer.self, topic, partition);
}

SPIRA_MUST_USE static inline enum spira_code
spira_consumer_commit(struct spira_consumer consumer, const struct spira_message *message,
                      struct spira_error *err)
{
    return consumer.ops->commit(consumer.self, message, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_consumer_positions(struct spira_consumer consumer, struct spira_position **ret_positions,
                         size_t *ret_count, struct spira_error *err)
{
    return consumer.ops->positions(consumer.self, ret_positions, ret_count, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_consumer_seek(struct spira_consumer consumer,
                                                                 const char *topic,
                                                                 int32_t partition, int64_t offset,
                                                                 struct spira_error *err)
{
    return consumer.ops->seek(consumer.self, topic, partition, offset, err);
}

/* For SPIRA_CLEANUP; a zeroed consumer is fine. */
static inline void spira_consumer_done(struct spira_consumer *consumer)
{
    if (consumer->ops)
        consumer->ops->close(consumer->self);
    consumer->ops = NULL;
}

SPIRA_MUST_USE static inline enum spira_code spira_bus_send(struct spira_event_bus bus,
                                                            const struct spira_message *message,
                                                            struct spira_error *err)
{
    return bus.ops->send(bus.self, message, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_bus_flush(struct spira_event_bus bus, int timeout_ms, struct spira_error *err)
{
    return bus.ops->flush(bus.self, timeout_ms, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_bus_subscribe(struct spira_event_bus bus, const char *group, const char *const *topics,
                    size_t topic_count, struct spira_consumer *ret_consumer,
                    struct spira_error *err)
{
    return bus.ops->subscribe(bus.self, group, topics, topic_count, ret_consumer, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_bus_ensure_topic(struct spira_event_bus bus,
                                                                    const char *topic,
                                                                    int32_t partitions,
                                                                    struct spira_error *err)
{
    return bus.ops->ensure_topic(bus.self, topic, partitions, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_bus_ranges(struct spira_event_bus bus, const char *topic,
                 struct spira_offset_range **ret_ranges, size_t *ret_count, struct spira_error *err)
{
    return bus.ops->ranges(bus.self, topic, ret_ranges, ret_count, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_bus_pending(struct spira_event_bus bus, const char *group, const char *topic,
                  struct spira_offset_range **ret_ranges, size_t *ret_count,
                  struct spira_error *err)
{
    return bus.ops->pending(bus.self, group, topic, ret_ranges, ret_count, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_bus_read(struct spira_event_bus bus,
                                                            const struct spira_offset_range *range,
                                                            spira_message_visit *visit,
                                                            void *context, struct spira_error *err)
{
    return bus.ops->read(bus.self, range, visit, context, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_bus_offset_at(struct spira_event_bus bus, const char *topic, int32_t partition,
                    int64_t timestamp_ms, int64_t *ret_offset, struct spira_error *err)
{
    return bus.ops->offset_at(bus.self, topic, partition, timestamp_ms, ret_offset, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_bus_probe(struct spira_event_bus bus,
                                                             struct spira_error *err)
{
    return bus.ops->probe(bus.self, err);
}

/* For SPIRA_CLEANUP; a zeroed bus is fine. */
static inline void spira_event_bus_done(struct spira_event_bus *bus)
{
    if (bus->ops)
        bus->ops->close(bus->self);
    bus->ops = NULL;
}

/* SPIRA_EINVALID: this is no name for a topic, or no count of partitions. */
SPIRA_MUST_USE enum spira_code spira_topic_check(const char *topic, int32_t partitions,
                                                 struct spira_error *err);

/* The value of a header, or NULL. Borrowed from message. */
const char *spira_message_header(const struct spira_message *message, const char *name);

#endif
