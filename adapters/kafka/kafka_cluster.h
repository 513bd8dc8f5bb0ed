/* Which Kafka, and how its clients are made: settings, properties, what errors mean. */
#ifndef SPIRA_ADAPTERS_KAFKA_KAFKA_CLUSTER_H
#define SPIRA_ADAPTERS_KAFKA_KAFKA_CLUSTER_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "adapters/kafka/event_bus_kafka.h"

/* How long one question to the brokers may take. */
enum { SPIRA_KAFKA_ANSWER_MS = 5000 };

struct kafka_cluster {
    char *servers;
    char *client_id;
    char *group_instance_id; /* or NULL */
    struct spira_kafka_property *properties;
    size_t property_count;
    spira_kafka_log *log;
    void *log_context;
};

/* Copies settings. End it with spira_kafka_cluster_done. SPIRA_EINVALID: a refused property. */
SPIRA_MUST_USE enum spira_code spira_kafka_cluster_init(struct kafka_cluster *cluster,
                                                        const struct spira_kafka_settings *settings,
                                                        struct spira_error *err);
/* After every client of it. */
void spira_kafka_cluster_done(struct kafka_cluster *cluster);

/* Gives a configuration with properties set in this order: what every client has, the defaults
 * given, the settings', the fixed ones given; each list ends with a name of NULL. Free it with
 * rd_kafka_conf_destroy, or give it to spira_kafka_client_new. */
SPIRA_MUST_USE enum spira_code spira_kafka_conf(const struct kafka_cluster *cluster,
                                                const struct spira_kafka_property *defaults,
                                                const struct spira_kafka_property *fixed,
                                                rd_kafka_conf_t **ret_conf,
                                                struct spira_error *err);
/* The same for a consumer; the fixed properties given are those that its use decides. */
SPIRA_MUST_USE enum spira_code spira_kafka_consumer_conf(const struct kafka_cluster *cluster,
                                                         const struct spira_kafka_property *fixed,
                                                         rd_kafka_conf_t **ret_conf,
                                                         struct spira_error *err);

/* What a client's callbacks get as their opaque is the structure around it, with this first. */
struct kafka_owner {
    const struct kafka_cluster *cluster; /* NULL: the client is abandoned */
    rd_kafka_t *client;
    pthread_mutex_t lock; /* guards the cluster's log against the abandoning */
};

/* Makes owner's client; takes conf, also on failure. SPIRA_EINVALID: properties that do not go
 * together. */
SPIRA_MUST_USE enum spira_code spira_kafka_client_new(struct kafka_owner *owner,
                                                      const struct kafka_cluster *cluster,
                                                      rd_kafka_type_t type, rd_kafka_conf_t *conf,
                                                      struct spira_error *err);

/* Ends the client. */
void spira_kafka_client_free(struct kafka_owner *owner);
/* Leaves a client that cannot be ended now to the end of the process. Its owner must stay; its
 * cluster need not. */
void spira_kafka_client_abandon(struct kafka_owner *owner);

/* Fails with "<servers>: <what>: <why>" and the code that the error of librdkafka stands for;
 * SPIRA_EUNREACHABLE where nothing says otherwise. Never SPIRA_ENOTFOUND: a broker that has just
 * started may not know its topics yet (kafka_topics.h asks twice). */
enum spira_code spira_kafka_fail(const struct kafka_owner *owner, rd_kafka_resp_err_t error,
                                 struct spira_error *err, const char *what, ...) SPIRA_PRINTF(4, 5);
/* SPIRA_EBUG where the client has met an error it cannot go on from. */
SPIRA_MUST_USE enum spira_code spira_kafka_alive(const struct kafka_owner *owner,
                                                 struct spira_error *err);

/* Milliseconds that never go back. */
int64_t spira_kafka_now_ms(void);
/* What is left until a time of spira_kafka_now_ms; 0 when it is past. */
int spira_kafka_left_ms(int64_t deadline_ms);
/* Whether there is time for another try; waits a moment before it says so. */
bool spira_kafka_again(int64_t deadline_ms);

/* For SPIRA_CLEANUP. */
void spira_kafka_list_done(rd_kafka_topic_partition_list_t **list);

#ifdef __clang_analyzer__
#define spira_kafka_fail(...) ((void)spira_kafka_fail(__VA_ARGS__), SPIRA_EUNREACHABLE)
#endif

#endif
