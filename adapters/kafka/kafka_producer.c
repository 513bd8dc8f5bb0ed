#include "adapters/kafka/kafka_producer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "adapters/kafka/kafka_message.h"
#include "adapters/kafka/kafka_topics.h"

enum { FULL_MS = 1000 };

struct kafka_producer {
    struct kafka_owner owner; /* first: the opaque of callbacks */
    pthread_key_t reported;   /* one more than the failures a thread was told of; NULL: none yet */
    pthread_mutex_t lock;     /* guards what follows */
    char **known;             /* topics that are there */
    size_t known_count;
    uintptr_t failures; /* messages refused for good */
    struct spira_error failure;
};

/* The lock is held. */
static void forget_topics(struct kafka_producer *producer)
{
    for (size_t i = 0; i < producer->known_count; i++)
        free(producer->known[i]);
    producer->known_count = 0;
}

static enum spira_code fail_message(const struct kafka_producer *producer,
                                    rd_kafka_resp_err_t error, const char *topic, size_t size,
                                    struct spira_error *err)
{
    if (error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: %s: no such topic",
                          producer->owner.cluster->servers, topic);
    return spira_kafka_fail(&producer->owner, error, err, "a message of %zu bytes to topic %s",
                            size, topic);
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct kafka_producer *producer = opaque;
    if (!message->err)
        return;
    pthread_mutex_lock(&producer->lock);
    producer->failures++;
    fail_message(producer, message->err, rd_kafka_topic_name(message->rkt), message->len,
                 &producer->failure);
    forget_topics(producer); /* this one may be gone */
    pthread_mutex_unlock(&producer->lock);
}

enum spira_code spira_kafka_producer_new(const struct kafka_cluster *cluster,
                                         struct kafka_producer **ret_producer,
                                         struct spira_error *err)
{
    static const struct spira_kafka_property defaults[] = {{"message.timeout.ms", "0"},
                                                           {"linger.ms", "5"},
                                                           {"compression.codec", "lz4"},
                                                           {NULL, NULL}};
    static const struct spira_kafka_property fixed[] = {{"enable.idempotence", "true"},
                                                        {"acks", "all"},
                                                        {"partitioner", "murmur2_random"},
                                                        {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    enum spira_code code = spira_kafka_conf(cluster, defaults, fixed, &conf, err);
    if (code != SPIRA_OK)
        return code;
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    struct kafka_producer *producer = spira_alloc(1, sizeof *producer);
    pthread_mutex_init(&producer->lock, NULL);
    code = spira_kafka_client_new(&producer->owner, cluster, RD_KAFKA_PRODUCER, conf, err);
    if (code == SPIRA_OK && pthread_key_create(&producer->reported, NULL) != 0) {
        spira_kafka_client_free(&producer->owner);
        code = spira_fail(err, SPIRA_ENOMEMORY, "%s: no key for the threads", cluster->servers);
    }
    if (code == SPIRA_OK) {
        *ret_producer = producer;
        return SPIRA_OK;
    }
    pthread_mutex_destroy(&producer->lock);
    free(producer);
    return code;
}

void spira_kafka_producer_free(struct kafka_producer *producer)
{
    if (!producer)
        return;
    spira_kafka_client_free(&producer->owner);
    forget_topics(producer);
    free(producer->known);
    pthread_key_delete(producer->reported);
    pthread_mutex_destroy(&producer->lock);
    free(producer);
}

const struct kafka_owner *spira_kafka_producer_client(const struct kafka_producer *producer)
{
    return &producer->owner;
}

static bool knows(struct kafka_producer *producer, const char *topic)
{
    bool known = false;
    pthread_mutex_lock(&producer->lock);
    for (size_t i = 0; i < producer->known_count && !known; i++)
        known = strcmp(producer->known[i], topic) == 0;
    pthread_mutex_unlock(&producer->lock);
    return known;
}

/* librdkafka queues messages to topics it has not heard of; we say at once that there is none. */
static enum spira_code find_topic(struct kafka_producer *producer, const char *topic,
                                  struct spira_error *err)
{
    int32_t partitions = 0;
    if (knows(producer, topic))
        return SPIRA_OK;
    enum spira_code code = spira_kafka_topic_partitions(&producer->owner, topic, &partitions, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&producer->lock);
    producer->known =
        spira_realloc(producer->known, producer->known_count + 1, sizeof *producer->known);
    producer->known[producer->known_count++] = spira_copy_text(topic);
    pthread_mutex_unlock(&producer->lock);
    return SPIRA_OK;
}

/* From here on this thread is told of failures. */
static void begin_reporting(struct kafka_producer *producer)
{
    if (pthread_getspecific(producer->reported))
        return;
    pthread_mutex_lock(&producer->lock);
    pthread_setspecific(producer->reported, (void *)(producer->failures + 1));
    pthread_mutex_unlock(&producer->lock);
}

static rd_kafka_resp_err_t produce(struct kafka_producer *producer,
                                   const struct spira_message *message)
{
    rd_kafka_headers_t *headers = spira_kafka_headers(message);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = message->topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *)message->key, message->key ? strlen(message->key) : 0}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)message->value, message->size}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *failure =
        rd_kafka_produceva(producer->owner.client, parts, sizeof parts / sizeof *parts);
    rd_kafka_resp_err_t error = rd_kafka_error_code(failure); /* of NULL: none */
    rd_kafka_error_destroy(failure);
    if (error && headers)
        rd_kafka_headers_destroy(headers);
    return error;
}

enum spira_code spira_kafka_producer_send(struct kafka_producer *producer,
                                          const struct spira_message *message,
                                          struct spira_error *err)
{
    enum spira_code code = spira_kafka_alive(&producer->owner, err);
    if (code != SPIRA_OK)
        return code;
    begin_reporting(producer);
    int64_t deadline = spira_kafka_now_ms() + FULL_MS;
    rd_kafka_resp_err_t error;
    do {
        code = find_topic(producer, message->topic, err);
        if (code != SPIRA_OK)
            return code;
        error = produce(producer, message);
        spira_kafka_producer_serve(producer);
        if (error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
            pthread_mutex_lock(&producer->lock);
            forget_topics(producer); /* and ask again */
            pthread_mutex_unlock(&producer->lock);
        } else if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            break;
        }
    } while (spira_kafka_again(deadline));
    if (!error)
        return SPIRA_OK;
    return fail_message(producer, error, message->topic, message->size, err);
}

enum spira_code spira_kafka_producer_flush(struct kafka_producer *producer, int timeout_ms,
                                           struct spira_error *err)
{
    rd_kafka_resp_err_t error = rd_kafka_flush(producer->owner.client, timeout_ms);
    enum spira_code code = spira_kafka_alive(&producer->owner, err);
    if (code != SPIRA_OK)
        return code;
    uintptr_t seen = (uintptr_t)pthread_getspecific(producer->reported);
    pthread_mutex_lock(&producer->lock);
    if (producer->failures > (seen ? seen - 1 : 0)) {
        *err = producer->failure;
        code = producer->failure.code;
    }
    pthread_setspecific(producer->reported, (void *)(producer->failures + 1));
    pthread_mutex_unlock(&producer->lock);
    if (code == SPIRA_OK && error)
        code = spira_fail(err, SPIRA_ETIMEOUT, "%s: %d messages are not acknowledged after %d ms",
                          producer->owner.cluster->servers,
                          rd_kafka_outq_len(producer->owner.client), timeout_ms);
    return code;
}

void spira_kafka_producer_serve(struct kafka_producer *producer)
{
    rd_kafka_poll(producer->owner.client, 0);
}
