#include "adapters/memory/event_bus_memory.h"

#include "adapters/memory/event_bus_memory_parts.h"

static enum spira_code no_topic(const char *topic, struct spira_error *err)
{
    return spira_fail(err, SPIRA_ENOTFOUND, "%s: no such topic", topic);
}

static enum spira_code send_message(void *self, const struct spira_message *message,
                                    struct spira_error *err)
{
    struct memory_bus *bus = self;
    struct spira_message *copy = NULL;
    enum spira_code code = spira_bus_log_copy(message, &copy, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&bus->lock);
    struct bus_topic *topic = spira_bus_log_find(bus, message->topic);
    if (topic) {
        spira_bus_log_append(bus, topic, copy);
        pthread_cond_broadcast(&bus->changed);
    }
    pthread_mutex_unlock(&bus->lock);
    if (topic)
        return SPIRA_OK;
    free(copy);
    return no_topic(message->topic, err);
}

static enum spira_code flush(void *self, int timeout_ms, struct spira_error *err)
{
    (void)self; /* a message is in its partition when send returns */
    (void)timeout_ms;
    (void)err;
    return SPIRA_OK;
}

static enum spira_code subscribe(void *self, const char *group, const char *const *topics,
                                 size_t topic_count, struct spira_consumer *ret_consumer,
                                 struct spira_error *err)
{
    struct memory_bus *bus = self;
    struct bus_topic **found = spira_alloc(topic_count, sizeof *found);
    enum spira_code code = SPIRA_OK;
    pthread_mutex_lock(&bus->lock);
    for (size_t i = 0; i < topic_count && code == SPIRA_OK; i++)
        if (!(found[i] = spira_bus_log_find(bus, topics[i])))
            code = no_topic(topics[i], err);
    if (code == SPIRA_OK)
        spira_bus_group_join(bus, group, found, topic_count, ret_consumer);
    pthread_mutex_unlock(&bus->lock);
    if (code != SPIRA_OK)
        free(found);
    return code;
}

static enum spira_code ensure_topic(void *self, const char *topic, int32_t partitions,
                                    struct spira_error *err)
{
    struct memory_bus *bus = self;
    enum spira_code code = spira_topic_check(topic, partitions, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&bus->lock);
    struct bus_topic *found = spira_bus_log_find(bus, topic);
    if (!found)
        spira_bus_log_add_topic(bus, topic, partitions);
    else if (found->partition_count != partitions)
        code = spira_fail(err, SPIRA_EINVALID, "%s: has %d partitions, not %d", topic,
                          (int)found->partition_count, (int)partitions);
    pthread_mutex_unlock(&bus->lock);
    return code;
}

/* What each partition holds; with a group, only what it has not committed. */
static enum spira_code list_ranges(struct memory_bus *bus, const char *group, const char *topic,
                                   struct spira_offset_range **ret_ranges, size_t *ret_count,
                                   struct spira_error *err)
{
    pthread_mutex_lock(&bus->lock);
    struct bus_topic *found = spira_bus_log_find(bus, topic);
    if (found) {
        struct spira_offset_range *held = spira_alloc((size_t)found->partition_count, sizeof *held);
        for (int32_t i = 0; i < found->partition_count; i++) {
            snprintf(held[i].topic, sizeof held[i].topic, "%s", topic);
            held[i].partition = i;
            held[i].from = group ? spira_bus_group_committed(bus, group, found, i) : 0;
            held[i].to = (int64_t)found->partitions[i].count;
        }
        *ret_count = (size_t)found->partition_count;
        *ret_ranges = held;
    }
    pthread_mutex_unlock(&bus->lock);
    return found ? SPIRA_OK : no_topic(topic, err);
}

static enum spira_code ranges(void *self, const char *topic, struct spira_offset_range **ret_ranges,
                              size_t *ret_count, struct spira_error *err)
{
    return list_ranges(self, NULL, topic, ret_ranges, ret_count, err);
}

static enum spira_code pending(void *self, const char *group, const char *topic,
                               struct spira_offset_range **ret_ranges, size_t *ret_count,
                               struct spira_error *err)
{
    return list_ranges(self, group, topic, ret_ranges, ret_count, err);
}

/* Fills ret_partition, which lives as long as the bus. The lock is held. */
static enum spira_code find_partition(struct memory_bus *bus, const char *topic, int32_t partition,
                                      struct bus_partition **ret_partition, struct spira_error *err)
{
    struct bus_topic *found = spira_bus_log_find(bus, topic);
    if (!found)
        return no_topic(topic, err);
    if (partition < 0 || partition >= found->partition_count)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: no partition %d", topic, (int)partition);
    *ret_partition = &found->partitions[partition];
    return SPIRA_OK;
}

static enum spira_code read_range(void *self, const struct spira_offset_range *range,
                                  spira_message_visit *visit, void *context,
                                  struct spira_error *err)
{
    struct memory_bus *bus = self;
    struct bus_partition *partition = NULL;
    pthread_mutex_lock(&bus->lock);
    enum spira_code code = find_partition(bus, range->topic, range->partition, &partition, err);
    if (code == SPIRA_OK && (range->from < 0 || range->to > (int64_t)partition->count))
        code = spira_fail(err, SPIRA_ENOTFOUND, "%s: partition %d holds [0, %zu), not [%jd, %jd)",
                          range->topic, (int)range->partition, partition->count,
                          (intmax_t)range->from, (intmax_t)range->to);
    pthread_mutex_unlock(&bus->lock);
    for (int64_t offset = range->from; code == SPIRA_OK && offset < range->to; offset++) {
        pthread_mutex_lock(&bus->lock);
        const struct spira_message *message = partition->messages[offset];
        pthread_mutex_unlock(&bus->lock);
        code = visit(context, message, err);
    }
    return code;
}

static enum spira_code offset_at(void *self, const char *topic, int32_t partition_index,
                                 int64_t timestamp_ms, int64_t *ret_offset, struct spira_error *err)
{
    struct memory_bus *bus = self;
    struct bus_partition *partition = NULL;
    pthread_mutex_lock(&bus->lock);
    enum spira_code code = find_partition(bus, topic, partition_index, &partition, err);
    if (code == SPIRA_OK) {
        size_t offset = 0;
        while (offset < partition->count &&
               partition->messages[offset]->timestamp_ms < timestamp_ms)
            offset++;
        *ret_offset = (int64_t)offset;
    }
    pthread_mutex_unlock(&bus->lock);
    return code;
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    (void)self;
    (void)err;
    return SPIRA_OK;
}

static void close_bus(void *self)
{
    struct memory_bus *bus = self;
    for (size_t i = 0; i < bus->group_count; i++)
        spira_bus_group_free(bus->groups[i]);
    for (size_t i = 0; i < bus->topic_count; i++)
        spira_bus_log_free_topic(bus->topics[i]);
    free(bus->groups);
    free(bus->topics);
    pthread_cond_destroy(&bus->changed);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

struct spira_event_bus spira_event_bus_memory(struct spira_clock clock)
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
    struct memory_bus *bus = spira_alloc(1, sizeof *bus);
    bus->clock = clock;
    pthread_mutex_init(&bus->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&bus->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return (struct spira_event_bus){.ops = &ops, .self = bus};
}
