#include "adapters/kafka/kafka_message.h"

#include <stddef.h>
#include <string.h>

/* The message we hand out and, in the same piece of memory, what it points to, but for the value
 * and the headers' texts, which stay librdkafka's. */
struct received {
    struct spira_message message;
    rd_kafka_message_t *raw;
    struct spira_header headers[]; /* then the key */
};

static size_t count_headers(const rd_kafka_headers_t *headers)
{
    const char *name = NULL;
    const void *value = NULL;
    size_t count = 0, size = 0;
    while (rd_kafka_header_get_all(headers, count, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR)
        count++;
    return count;
}

enum spira_code spira_kafka_message_new(rd_kafka_message_t *raw,
                                        const struct spira_message **ret_message,
                                        struct spira_error *err)
{
    rd_kafka_headers_t *headers = NULL;
    size_t count = 0;
    if (rd_kafka_message_headers(raw, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        count = count_headers(headers);
    const char *topic = rd_kafka_topic_name(raw->rkt);
    size_t key_at = sizeof(struct received) + count * sizeof(struct spira_header);
    struct received *received = NULL;
    enum spira_code code = spira_big_alloc(&received, key_at + raw->key_len + 1, 1, topic, err);
    if (code != SPIRA_OK)
        return code;
    char *key = NULL;
    if (raw->key) { /* the zero behind it is there */
        key = (char *)received + key_at;
        memcpy(key, raw->key, raw->key_len);
    }
    for (size_t i = 0; i < count; i++) {
        const void *value = NULL;
        size_t size = 0;
        rd_kafka_header_get_all(headers, i, &received->headers[i].name, &value, &size);
        received->headers[i].value = value ? value : ""; /* librdkafka ends it with a zero */
    }
    received->raw = raw;
    received->message =
        (struct spira_message){.topic = topic,
                               .partition = raw->partition,
                               .offset = raw->offset,
                               .timestamp_ms = rd_kafka_message_timestamp(raw, NULL),
                               .key = key,
                               .value = raw->payload,
                               .size = raw->len,
                               .headers = received->headers,
                               .header_count = count};
    *ret_message = &received->message;
    return SPIRA_OK;
}

void spira_kafka_message_free(const struct spira_message *message)
{
    if (!message)
        return;
    struct received *received = (struct received *)message; /* its first member */
    rd_kafka_message_destroy(received->raw);
    free(received);
}

rd_kafka_headers_t *spira_kafka_headers(const struct spira_message *message)
{
    if (message->header_count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(message->header_count);
    for (size_t i = 0; i < message->header_count; i++)
        rd_kafka_header_add(headers, message->headers[i].name, -1, message->headers[i].value, -1);
    return headers;
}
