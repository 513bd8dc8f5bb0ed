#include "adapters/kafka/kafka_topics.h"

/* What one broker does not know, another may: asked again for a while, unless there is only one. */
enum { PROBE_MS = 2000, ENSURE_MS = 15000, UNKNOWN_MS = 1000, UNKNOWN_ALONE_MS = 50 };

/* What one broker says of a topic. */
struct description {
    rd_kafka_resp_err_t error; /* of the topic */
    int32_t partitions;
    int32_t led; /* partitions that have a leader */
    int brokers; /* of the cluster */
};

/* Asks once. RD_KAFKA_RESP_ERR_NO_ERROR: a broker answered. */
static rd_kafka_resp_err_t ask(rd_kafka_t *client, const char *topic, int timeout_ms,
                               struct description *ret_said)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    if (!handle)
        return rd_kafka_last_error();
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle, &metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (error)
        return error;
    *ret_said = (struct description){.error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                                     .brokers = metadata->broker_cnt};
    if (metadata->topic_cnt == 1) {
        const struct rd_kafka_metadata_topic *found = &metadata->topics[0];
        ret_said->error = found->err;
        ret_said->partitions = found->partition_cnt;
        for (int i = 0; i < found->partition_cnt; i++)
            ret_said->led += found->partitions[i].leader >= 0;
    }
    rd_kafka_metadata_destroy(metadata);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool says_unknown(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION || error == RD_KAFKA_RESP_ERR__INVALID_ARG;
}

enum spira_code spira_kafka_topic_partitions(const struct kafka_owner *client, const char *topic,
                                             int32_t *ret_count, struct spira_error *err)
{
    int64_t deadline = spira_kafka_now_ms() + SPIRA_KAFKA_ANSWER_MS;
    int64_t unknown_until = 0; /* one broker may not have heard yet what another has made */
    rd_kafka_resp_err_t error;
    do {
        struct description said = {0};
        error = ask(client->client, topic, spira_kafka_left_ms(deadline), &said);
        if (!error)
            error = said.error;
        if (!error) {
            *ret_count = said.partitions;
            return SPIRA_OK;
        }
        if (!says_unknown(error))
            continue;
        if (!unknown_until)
            unknown_until =
                spira_kafka_now_ms() + (said.brokers > 1 ? UNKNOWN_MS : UNKNOWN_ALONE_MS);
        if (spira_kafka_left_ms(unknown_until) == 0)
            return spira_fail(err, SPIRA_ENOTFOUND, "%s: %s: no such topic",
                              client->cluster->servers, topic);
    } while (spira_kafka_again(deadline));
    return spira_kafka_fail(client, error, err, "asking for topic %s", topic);
}

/* Makes the topic unless it is there. */
static enum spira_code create(const struct kafka_owner *client, const char *topic,
                              int32_t partitions, struct spira_error *err)
{
    char why[256];
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, partitions, -1 /* replicas */, why, sizeof why);
    if (!wanted)
        return spira_fail(err, SPIRA_EINVALID, "%s: topic %s with %d partitions: %s",
                          client->cluster->servers, topic, (int)partitions, why);
    rd_kafka_NewTopic_set_config(wanted, "retention.ms", "-1");
    rd_kafka_NewTopic_set_config(wanted, "message.timestamp.type", "LogAppendTime");
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, SPIRA_KAFKA_ANSWER_MS, why, sizeof why);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->client);
    rd_kafka_CreateTopics(client->client, &wanted, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, -1); /* by the request's timeout */
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **topics =
        result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    if (!error && count == 1) {
        error = rd_kafka_topic_result_error(topics[0]);
        text = rd_kafka_topic_result_error_string(topics[0]);
    }
    enum spira_code code = SPIRA_OK;
    if (error && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        code = spira_kafka_fail(client, error, err, "making topic %s (%s)", topic,
                                text ? text : "no reason given");
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wanted);
    return code;
}

enum spira_code spira_kafka_topic_ensure(const struct kafka_owner *client, const char *topic,
                                         int32_t partitions, struct spira_error *err)
{
    enum spira_code code = spira_topic_check(topic, partitions, err);
    if (code != SPIRA_OK)
        return code;
    int64_t deadline = spira_kafka_now_ms() + ENSURE_MS;
    bool created = false;
    rd_kafka_resp_err_t error;
    do {
        struct description said = {0};
        int left_ms = spira_kafka_left_ms(deadline);
        int timeout_ms = left_ms < SPIRA_KAFKA_ANSWER_MS ? left_ms : SPIRA_KAFKA_ANSWER_MS;
        error = ask(client->client, topic, timeout_ms, &said);
        if (error)
            break; /* nobody is there */
        error = said.error;
        if (!error && said.led == said.partitions) {
            if (said.partitions == partitions)
                return SPIRA_OK;
            return spira_fail(err, SPIRA_EINVALID, "%s: %s: has %d partitions, not %d",
                              client->cluster->servers, topic, (int)said.partitions,
                              (int)partitions);
        }
        if (says_unknown(error) && !created) {
            code = create(client, topic, partitions, err);
            created = true;
        }
    } while (code == SPIRA_OK && spira_kafka_again(deadline));
    if (code != SPIRA_OK)
        return code;
    if (!error || says_unknown(error)) /* made, but not everywhere yet */
        error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    return spira_kafka_fail(client, error, err, "waiting for topic %s", topic);
}

enum spira_code spira_kafka_probe(const struct kafka_owner *client, struct spira_error *err)
{
    /* Whatever is said of this topic of Kafka's own, a broker said it. */
    struct description said = {0};
    rd_kafka_resp_err_t error = ask(client->client, "__consumer_offsets", PROBE_MS, &said);
    return error ? spira_kafka_fail(client, error, err, "asking for an answer") : SPIRA_OK;
}
