#include "adapters/memory/event_bus_memory_parts.h"

/* MurmurHash2, 32 bits, with the seed of Kafka's default partitioner
 * (org.apache.kafka.common.utils.Utils.murmur2). */
static uint32_t murmur2(const unsigned char *data, size_t size)
{
    const uint32_t m = 0x5bd1e995;
    uint32_t hash = 0x9747b28c ^ (uint32_t)size;
    for (; size >= 4; data += 4, size -= 4) {
        uint32_t k = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
                     (uint32_t)data[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        hash = hash * m ^ k;
    }
    if (size >= 3)
        hash ^= (uint32_t)data[2] << 16;
    if (size >= 2)
        hash ^= (uint32_t)data[1] << 8;
    if (size >= 1)
        hash = (hash ^ data[0]) * m;
    hash = (hash ^ hash >> 13) * m;
    return hash ^ hash >> 15;
}

/* Copies size bytes to *at and moves it behind them. */
static char *place(char **at, const void *data, size_t size)
{
    char *copy = *at;
    if (size)
        memcpy(copy, data, size);
    *at += size;
    return copy;
}

static char *place_text(char **at, const char *text)
{
    return text ? place(at, text, strlen(text) + 1) : NULL;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

enum spira_code spira_bus_log_copy(const struct spira_message *message,
                                   struct spira_message **ret_copy, struct spira_error *err)
{
    size_t size = sizeof *message + message->header_count * sizeof *message->headers +
                  text_size(message->topic) + text_size(message->key) + message->size;
    for (size_t i = 0; i < message->header_count; i++)
        size += text_size(message->headers[i].name) + text_size(message->headers[i].value);
    struct spira_message *copy = NULL;
    enum spira_code code = spira_big_alloc(&copy, size, 1, message->topic, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_header *headers = (struct spira_header *)(copy + 1);
    char *at = (char *)(headers + message->header_count);
    *copy = *message;
    copy->topic = place_text(&at, message->topic);
    copy->key = place_text(&at, message->key);
    copy->value = place(&at, message->value, message->size);
    copy->headers = headers;
    for (size_t i = 0; i < message->header_count; i++) {
        headers[i].name = place_text(&at, message->headers[i].name);
        headers[i].value = place_text(&at, message->headers[i].value);
    }
    *ret_copy = copy;
    return SPIRA_OK;
}

struct bus_topic *spira_bus_log_find(const struct memory_bus *bus, const char *topic)
{
    for (size_t i = 0; i < bus->topic_count; i++)
        if (strcmp(bus->topics[i]->name, topic) == 0)
            return bus->topics[i];
    return NULL;
}

void spira_bus_log_add_topic(struct memory_bus *bus, const char *topic, int32_t partitions)
{
    struct bus_topic *added = spira_alloc(1, sizeof *added);
    added->name = spira_copy_text(topic);
    added->partitions = spira_alloc((size_t)partitions, sizeof *added->partitions);
    added->partition_count = partitions;
    bus->topics = spira_realloc(bus->topics, bus->topic_count + 1, sizeof(added));
    bus->topics[bus->topic_count++] = added;
}

void spira_bus_log_append(struct memory_bus *bus, struct bus_topic *topic,
                          struct spira_message *message)
{
    if (message->key) {
        uint32_t hash = murmur2((const unsigned char *)message->key, strlen(message->key));
        message->partition = (int32_t)(hash & INT32_MAX) % topic->partition_count;
    } else {
        message->partition = topic->next_partition;
        topic->next_partition = (topic->next_partition + 1) % topic->partition_count;
    }
    struct bus_partition *partition = &topic->partitions[message->partition];
    message->offset = (int64_t)partition->count;
    message->timestamp_ms = spira_clock_now_ms(bus->clock);
    partition->messages = spira_realloc(partition->messages, partition->count + 1, sizeof(message));
    partition->messages[partition->count++] = message;
}

void spira_bus_log_free_topic(struct bus_topic *topic)
{
    for (int32_t i = 0; i < topic->partition_count; i++) {
        for (size_t k = 0; k < topic->partitions[i].count; k++)
            free(topic->partitions[i].messages[k]);
        free(topic->partitions[i].messages);
    }
    free(topic->partitions);
    free(topic->name);
    free(topic);
}
