#include "adapters/kafka/kafka_cluster.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Without these an offset is committed for work that was not done, a partition is taken away
 * without our knowing, a message is lost or doubled, or keys go to other partitions. */
static const char *const refused[] = {
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol.type",
    "isolation.level",
    "log.queue",
    "metadata.broker.list",
    "offset.store.method",
    "partition.assignment.strategy",
    "partitioner",
    "request.required.acks",
    "transactional.id",
};

static enum spira_code check_property(const struct spira_kafka_property *property,
                                      struct spira_error *err)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(property->name, refused[i]) == 0)
            return spira_fail(err, SPIRA_EINVALID,
                              "Kafka property %s = %s: this one is not for setting", property->name,
                              property->value);
    return SPIRA_OK;
}

enum spira_code spira_kafka_cluster_init(struct kafka_cluster *cluster,
                                         const struct spira_kafka_settings *settings,
                                         struct spira_error *err)
{
    if (!settings->bootstrap_servers || !*settings->bootstrap_servers)
        return spira_fail(err, SPIRA_EINVALID, "Kafka: no bootstrap servers");
    for (size_t i = 0; i < settings->property_count; i++) {
        enum spira_code code = check_property(&settings->properties[i], err);
        if (code != SPIRA_OK)
            return code;
    }
    *cluster = (struct kafka_cluster){
        .servers = spira_copy_text(settings->bootstrap_servers),
        .client_id = spira_copy_text(settings->client_id),
        .group_instance_id = spira_copy_text(settings->group_instance_id),
        .properties = spira_alloc(settings->property_count + 1, sizeof *cluster->properties),
        .property_count = settings->property_count,
        .log = settings->log,
        .log_context = settings->log_context,
    };
    for (size_t i = 0; i < settings->property_count; i++)
        cluster->properties[i] =
            (struct spira_kafka_property){spira_copy_text(settings->properties[i].name),
                                          spira_copy_text(settings->properties[i].value)};
    return SPIRA_OK;
}

void spira_kafka_cluster_done(struct kafka_cluster *cluster)
{
    for (size_t i = 0; i < cluster->property_count; i++) {
        free((char *)cluster->properties[i].name);
        free((char *)cluster->properties[i].value);
    }
    free(cluster->properties);
    free(cluster->group_instance_id);
    free(cluster->client_id);
    free(cluster->servers);
    *cluster = (struct kafka_cluster){0};
}

static enum spira_code set(rd_kafka_conf_t *conf, const char *name, const char *value,
                           struct spira_error *err)
{
    char why[512];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, why, sizeof why);
    if (result == RD_KAFKA_CONF_OK)
        return SPIRA_OK;
    /* The value of one that is unknown is not what is wrong, and may be a misspelt name's password.
     */
    if (result == RD_KAFKA_CONF_UNKNOWN)
        return spira_fail(err, SPIRA_EINVALID, "Kafka property %s: %s", name, why);
    return spira_fail(err, SPIRA_EINVALID, "Kafka property %s = %s: %s", name, value, why);
}

/* Up to the one whose name is NULL. */
static enum spira_code set_all(rd_kafka_conf_t *conf, const struct spira_kafka_property *properties,
                               struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    for (; properties->name && code == SPIRA_OK; properties++)
        code = set(conf, properties->name, properties->value, err);
    return code;
}

/* From any of librdkafka's threads. */
static void write_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    struct kafka_owner *owner = rd_kafka_opaque(client);
    char line[1024];
    snprintf(line, sizeof line, "%s: %s", facility, text);
    /* Each client gets every property of the settings; that a producer has no use for a consumer's
     * is no news. */
    if (strstr(text, "property and will be ignored by this"))
        return;
    pthread_mutex_lock(&owner->lock);
    if (owner->cluster && owner->cluster->log)
        owner->cluster->log(owner->cluster->log_context, level, line);
    pthread_mutex_unlock(&owner->lock);
}

enum spira_code spira_kafka_conf(const struct kafka_cluster *cluster,
                                 const struct spira_kafka_property *defaults,
                                 const struct spira_kafka_property *fixed,
                                 rd_kafka_conf_t **ret_conf, struct spira_error *err)
{
    const struct spira_kafka_property common[] = {
        {"socket.keepalive.enable", "true"},
        {"reconnect.backoff.ms", "100"},
        {"reconnect.backoff.max.ms", "5000"},
        {"allow.auto.create.topics", "false"},
        {"bootstrap.servers", cluster->servers},
        {"client.id", cluster->client_id ? cluster->client_id : "spira"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, write_log);
    enum spira_code code = set_all(conf, common, err);
    if (code == SPIRA_OK)
        code = set_all(conf, defaults, err);
    if (code == SPIRA_OK)
        code = set_all(conf, cluster->properties, err); /* ends with one without a name */
    if (code == SPIRA_OK)
        code = set_all(conf, fixed, err);
    if (code == SPIRA_OK)
        *ret_conf = conf;
    else
        rd_kafka_conf_destroy(conf);
    return code;
}

enum spira_code spira_kafka_consumer_conf(const struct kafka_cluster *cluster,
                                          const struct spira_kafka_property *fixed,
                                          rd_kafka_conf_t **ret_conf, struct spira_error *err)
{
    const struct spira_kafka_property defaults[] = {
        {"session.timeout.ms", cluster->group_instance_id ? "45000" : "15000"},
        {"heartbeat.interval.ms", "3000"},
        {"max.poll.interval.ms", "60000"},
        {"fetch.wait.max.ms", "100"},
        {"queued.max.messages.kbytes", "4096"},
        {"check.crcs", "true"},
        {NULL, NULL},
    };
    static const struct spira_kafka_property always[] = {
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"isolation.level", "read_committed"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = NULL;
    enum spira_code code = spira_kafka_conf(cluster, defaults, always, &conf, err);
    if (code != SPIRA_OK)
        return code;
    code = set_all(conf, fixed, err);
    if (code == SPIRA_OK)
        *ret_conf = conf;
    else
        rd_kafka_conf_destroy(conf);
    return code;
}

enum spira_code spira_kafka_client_new(struct kafka_owner *owner,
                                       const struct kafka_cluster *cluster, rd_kafka_type_t type,
                                       rd_kafka_conf_t *conf, struct spira_error *err)
{
    char why[512];
    owner->cluster = cluster;
    pthread_mutex_init(&owner->lock, NULL);
    rd_kafka_conf_set_opaque(conf, owner);
    owner->client = rd_kafka_new(type, conf, why, sizeof why);
    if (owner->client)
        return SPIRA_OK;
    rd_kafka_conf_destroy(conf);
    pthread_mutex_destroy(&owner->lock);
    return spira_fail(err, SPIRA_EINVALID, "%s: Kafka properties: %s", cluster->servers, why);
}

void spira_kafka_client_free(struct kafka_owner *owner)
{
    rd_kafka_destroy(owner->client);
    pthread_mutex_destroy(&owner->lock);
}

void spira_kafka_client_abandon(struct kafka_owner *owner)
{
    pthread_mutex_lock(&owner->lock);
    owner->cluster = NULL;
    pthread_mutex_unlock(&owner->lock);
}

/* The code an error of librdkafka stands for. */
static enum spira_code code_of(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return SPIRA_OK;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        return SPIRA_ETOOBIG;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return SPIRA_EINVALID;
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
        return SPIRA_ECONFLICT;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        return SPIRA_EBUG;
    default:
        return SPIRA_EUNREACHABLE;
    }
}

enum spira_code(spira_kafka_fail)(const struct kafka_owner *owner, rd_kafka_resp_err_t error,
                                  struct spira_error *err, const char *what, ...)
{
    char text[512];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    char why[512]; /* "fatal" alone tells nobody anything */
    if (error == RD_KAFKA_RESP_ERR__FATAL && rd_kafka_fatal_error(owner->client, why, sizeof why))
        return spira_fail(err, SPIRA_EBUG, "%s: %s: the Kafka client cannot go on: %s",
                          owner->cluster->servers, text, why);
    return spira_fail(err, code_of(error), "%s: %s: %s", owner->cluster->servers, text,
                      rd_kafka_err2str(error));
}

enum spira_code spira_kafka_alive(const struct kafka_owner *owner, struct spira_error *err)
{
    char why[512];
    if (!rd_kafka_fatal_error(owner->client, why, sizeof why))
        return SPIRA_OK;
    return spira_fail(err, SPIRA_EBUG, "%s: the Kafka client cannot go on: %s",
                      owner->cluster->servers, why);
}

int64_t spira_kafka_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int spira_kafka_left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - spira_kafka_now_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

bool spira_kafka_again(int64_t deadline_ms)
{
    int left_ms = spira_kafka_left_ms(deadline_ms);
    const struct timespec moment = {.tv_nsec = (left_ms < 50 ? left_ms : 50) * 1000000L};
    nanosleep(&moment, NULL);
    return left_ms > 0;
}

void spira_kafka_list_done(rd_kafka_topic_partition_list_t **list)
{
    if (*list)
        rd_kafka_topic_partition_list_destroy(*list);
    *list = NULL;
}
