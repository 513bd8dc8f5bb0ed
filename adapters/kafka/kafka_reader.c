#include "adapters/kafka/kafka_reader.h"

#include <pthread.h>
#include <stdio.h>

#include "adapters/kafka/kafka_message.h"
#include "adapters/kafka/kafka_topics.h"

enum { SILENCE_MS = 10000, WAKE_MS = 10, WAKES_MAX = 20, POLL_MS = 100 };

/* The first error of a partition, if any. */
static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < list->cnt && !error; i++)
        error = list->elems[i].err;
    return error;
}

enum spira_code spira_kafka_offsets(const struct kafka_owner *client,
                                    rd_kafka_topic_partition_list_t *list, int64_t timestamp_ms,
                                    int64_t deadline_ms, struct spira_error *err)
{
    rd_kafka_resp_err_t error;
    do {
        for (int i = 0; i < list->cnt; i++) {
            list->elems[i].offset = timestamp_ms;
            list->elems[i].err = RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        error = rd_kafka_offsets_for_times(client->client, list, spira_kafka_left_ms(deadline_ms));
        if (!error)
            error = first_error(list);
        if (!error)
            return SPIRA_OK;
    } while (spira_kafka_again(deadline_ms));
    return spira_kafka_fail(client, error, err, "asking for offsets of topic %s",
                            list->elems[0].topic);
}

/* Fills list with what the group has committed; below 0 where it has not. A consumer that never
 * joins asks for its own group: librdkafka's question about any group (ListConsumerGroupOffsets)
 * ends the process while the group has no coordinator, as on a broker that has just started. */
static enum spira_code committed(const struct kafka_owner *client, const char *group,
                                 rd_kafka_topic_partition_list_t *list, struct spira_error *err)
{
    const struct spira_kafka_property fixed[] = {{"group.id", group}, {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    struct kafka_owner asker;
    enum spira_code code = spira_kafka_consumer_conf(client->cluster, fixed, &conf, err);
    if (code == SPIRA_OK)
        code = spira_kafka_client_new(&asker, client->cluster, RD_KAFKA_CONSUMER, conf, err);
    if (code != SPIRA_OK)
        return code;
    rd_kafka_resp_err_t error = rd_kafka_committed(asker.client, list, SPIRA_KAFKA_ANSWER_MS);
    if (!error)
        error = first_error(list);
    if (error)
        code = spira_kafka_fail(client, error, err, "asking what group %s committed", group);
    spira_kafka_client_free(&asker);
    return code;
}

/* What the partitions of the lists hold; what a group has committed outside of it was committed to
 * a topic of this name that is gone, and the group begins anew. */
static struct spira_offset_range *make_ranges(const rd_kafka_topic_partition_list_t *begins,
                                              const rd_kafka_topic_partition_list_t *ends,
                                              const rd_kafka_topic_partition_list_t *commits)
{
    struct spira_offset_range *ranges = spira_alloc((size_t)begins->cnt, sizeof *ranges);
    for (int i = 0; i < begins->cnt; i++) {
        struct spira_offset_range *range = &ranges[i];
        snprintf(range->topic, sizeof range->topic, "%s", begins->elems[i].topic);
        range->partition = begins->elems[i].partition;
        range->from = begins->elems[i].offset;
        range->to = ends->elems[i].offset;
        int64_t from = commits ? commits->elems[i].offset : -1;
        if (from >= 0 && from <= range->to)
            range->from = from;
    }
    return ranges;
}

enum spira_code spira_kafka_ranges(const struct kafka_owner *client, const char *group,
                                   const char *topic, struct spira_offset_range **ret_ranges,
                                   size_t *ret_count, struct spira_error *err)
{
    int32_t count = 0;
    enum spira_code code = spira_kafka_topic_partitions(client, topic, &count, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *begins = rd_kafka_topic_partition_list_new(count);
    rd_kafka_topic_partition_list_add_range(begins, topic, 0, count - 1);
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(begins);
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *commits =
        group ? rd_kafka_topic_partition_list_copy(begins) : NULL;
    /* Commits first: what is committed meanwhile is then still within the ranges. */
    if (group)
        code = committed(client, group, commits, err);
    int64_t deadline = spira_kafka_now_ms() + SPIRA_KAFKA_ANSWER_MS;
    if (code == SPIRA_OK)
        code = spira_kafka_offsets(client, begins, RD_KAFKA_OFFSET_BEGINNING, deadline, err);
    if (code == SPIRA_OK)
        code = spira_kafka_offsets(client, ends, RD_KAFKA_OFFSET_END, deadline, err);
    if (code != SPIRA_OK)
        return code;
    *ret_ranges = make_ranges(begins, ends, commits);
    *ret_count = (size_t)count;
    return SPIRA_OK;
}

/* Gives a list of the one partition. SPIRA_ENOTFOUND: there is none. */
static enum spira_code one_partition(const struct kafka_owner *client, const char *topic,
                                     int32_t partition, rd_kafka_topic_partition_list_t **ret_list,
                                     struct spira_error *err)
{
    int32_t count = 0;
    enum spira_code code = spira_kafka_topic_partitions(client, topic, &count, err);
    if (code != SPIRA_OK)
        return code;
    if (partition < 0 || partition >= count)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: %s: no partition %d", client->cluster->servers,
                          topic, (int)partition);
    *ret_list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(*ret_list, topic, partition);
    return SPIRA_OK;
}

enum spira_code spira_kafka_offset_at(const struct kafka_owner *client, const char *topic,
                                      int32_t partition, int64_t timestamp_ms, int64_t *ret_offset,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list = NULL;
    enum spira_code code = one_partition(client, topic, partition, &list, err);
    int64_t deadline = spira_kafka_now_ms() + SPIRA_KAFKA_ANSWER_MS;
    /* The end first: a message that comes in between is behind it, and is not skipped. */
    if (code == SPIRA_OK)
        code = spira_kafka_offsets(client, list, RD_KAFKA_OFFSET_END, deadline, err);
    if (code != SPIRA_OK)
        return code;
    int64_t end = list->elems[0].offset;
    /* Times below 0 are names for the ends of a partition. */
    code = spira_kafka_offsets(client, list, timestamp_ms < 0 ? 0 : timestamp_ms, deadline, err);
    if (code == SPIRA_OK)
        *ret_offset = list->elems[0].offset < 0 ? end : list->elems[0].offset;
    return code;
}

struct reader {
    struct kafka_owner owner; /* first: the opaque of callbacks */
};

struct kafka_readers {
    const struct kafka_cluster *cluster;
    pthread_mutex_t lock;
    struct reader *idle; /* one is kept: to make one takes longer than to read a short range */
};

static void free_reader(struct reader *reader)
{
    if (!reader)
        return;
    spira_kafka_client_free(&reader->owner);
    free(reader);
}

static enum spira_code new_reader(const struct kafka_cluster *cluster, struct reader **ret_reader,
                                  struct spira_error *err)
{
    /* The group is never joined, and nothing is committed to it; librdkafka wants a name. */
    static const struct spira_kafka_property fixed[] = {{"group.id", "spira-reader"},
                                                        {"auto.offset.reset", "error"},
                                                        {"enable.partition.eof", "true"},
                                                        {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    enum spira_code code = spira_kafka_consumer_conf(cluster, fixed, &conf, err);
    if (code != SPIRA_OK)
        return code;
    struct reader *reader = spira_alloc(1, sizeof *reader);
    code = spira_kafka_client_new(&reader->owner, cluster, RD_KAFKA_CONSUMER, conf, err);
    if (code != SPIRA_OK) {
        free(reader);
        return code;
    }
    rd_kafka_poll_set_consumer(reader->owner.client);
    *ret_reader = reader;
    return SPIRA_OK;
}

enum spira_code spira_kafka_readers_new(const struct kafka_cluster *cluster,
                                        struct kafka_readers **ret_readers, struct spira_error *err)
{
    struct reader *first = NULL; /* now, so that a wrong property of consumers is refused now */
    enum spira_code code = new_reader(cluster, &first, err);
    if (code != SPIRA_OK)
        return code;
    struct kafka_readers *readers = spira_alloc(1, sizeof *readers);
    readers->cluster = cluster;
    readers->idle = first;
    pthread_mutex_init(&readers->lock, NULL);
    *ret_readers = readers;
    return SPIRA_OK;
}

void spira_kafka_readers_free(struct kafka_readers *readers)
{
    if (!readers)
        return;
    free_reader(readers->idle);
    pthread_mutex_destroy(&readers->lock);
    free(readers);
}

/* Takes the idle reader, or makes one. */
static enum spira_code take_reader(struct kafka_readers *readers, struct reader **ret_reader,
                                   struct spira_error *err)
{
    pthread_mutex_lock(&readers->lock);
    struct reader *reader = readers->idle;
    readers->idle = NULL;
    pthread_mutex_unlock(&readers->lock);
    if (!reader)
        return new_reader(readers->cluster, ret_reader, err);
    *ret_reader = reader;
    return SPIRA_OK;
}

static void give_back(struct kafka_readers *readers, struct reader *reader)
{
    pthread_mutex_lock(&readers->lock);
    if (!readers->idle) {
        readers->idle = reader;
        reader = NULL;
    }
    pthread_mutex_unlock(&readers->lock);
    free_reader(reader);
}

/* SPIRA_ENOTFOUND where the range is not within what the partition holds. */
static enum spira_code check_range(const struct kafka_owner *client,
                                   rd_kafka_topic_partition_list_t *list,
                                   const struct spira_offset_range *range, struct spira_error *err)
{
    int64_t deadline = spira_kafka_now_ms() + SPIRA_KAFKA_ANSWER_MS;
    enum spira_code code =
        spira_kafka_offsets(client, list, RD_KAFKA_OFFSET_BEGINNING, deadline, err);
    if (code != SPIRA_OK)
        return code;
    int64_t begin = list->elems[0].offset;
    code = spira_kafka_offsets(client, list, RD_KAFKA_OFFSET_END, deadline, err);
    if (code != SPIRA_OK)
        return code;
    if (range->from >= begin && range->to <= list->elems[0].offset)
        return SPIRA_OK;
    return spira_fail(err, SPIRA_ENOTFOUND, "%s: %s: partition %d holds [%jd, %jd), not [%jd, %jd)",
                      client->cluster->servers, range->topic, (int)range->partition,
                      (intmax_t)begin, (intmax_t)list->elems[0].offset, (intmax_t)range->from,
                      (intmax_t)range->to);
}

/* Shows one message; *next is then the offset behind it. Takes raw. */
static enum spira_code show(rd_kafka_message_t *raw, int64_t to, spira_message_visit *visit,
                            void *context, int64_t *next, struct spira_error *err)
{
    const struct spira_message *message = NULL;
    *next = raw->offset + 1;
    if (raw->offset >= to) {
        rd_kafka_message_destroy(raw);
        return SPIRA_OK;
    }
    enum spira_code code = spira_kafka_message_new(raw, &message, err);
    if (code != SPIRA_OK) {
        rd_kafka_message_destroy(raw);
        return code;
    }
    code = visit(context, message, err);
    spira_kafka_message_free(message);
    return code;
}

/* The thread of a broker that has nothing to send sleeps for up to a second and learns of a new
 * assignment only then (librdkafka 2.0.2): a question that goes through it wakes it. */
static void wake(struct reader *reader, const struct spira_offset_range *range)
{
    int64_t low, high;
    (void)rd_kafka_query_watermark_offsets(reader->owner.client, range->topic, range->partition,
                                           &low, &high, SPIRA_KAFKA_ANSWER_MS);
}

/* Reads up to the range's end. The last offsets of a range may be no messages (what a transaction
 * leaves, what compaction took): the end of the partition is told by an offset too. */
static enum spira_code read_on(struct reader *reader, const struct spira_offset_range *range,
                               spira_message_visit *visit, void *context, struct spira_error *err)
{
    rd_kafka_resp_err_t trouble = RD_KAFKA_RESP_ERR__TIMED_OUT;
    int64_t next = range->from;
    int64_t deadline = spira_kafka_now_ms() + SILENCE_MS;
    enum spira_code code = SPIRA_OK;
    for (int wakes = 0; code == SPIRA_OK && next < range->to;) {
        bool asleep = next == range->from && wakes < WAKES_MAX;
        rd_kafka_message_t *raw =
            rd_kafka_consumer_poll(reader->owner.client, asleep ? WAKE_MS : POLL_MS);
        if (!raw && asleep) {
            wake(reader, range);
            wakes++;
        }
        if (raw && !raw->err) {
            code = show(raw, range->to, visit, context, &next, err);
            deadline = spira_kafka_now_ms() + SILENCE_MS;
            continue;
        }
        if (raw && raw->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            next = raw->offset;
        else if (raw)
            trouble = raw->err;
        if (raw)
            rd_kafka_message_destroy(raw);
        if (trouble == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
            code = spira_fail(err, SPIRA_ENOTFOUND, "%s: %s: partition %d no longer holds %jd",
                              reader->owner.cluster->servers, range->topic, (int)range->partition,
                              (intmax_t)next);
        else if (spira_kafka_left_ms(deadline) == 0)
            code = spira_kafka_fail(&reader->owner, trouble, err, "reading topic %s, partition %d",
                                    range->topic, (int)range->partition);
    }
    return code;
}

enum spira_code spira_kafka_read(struct kafka_readers *readers, const struct kafka_owner *client,
                                 const struct spira_offset_range *range, spira_message_visit *visit,
                                 void *context, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list = NULL;
    struct reader *reader = NULL;
    enum spira_code code = one_partition(client, range->topic, range->partition, &list, err);
    if (code == SPIRA_OK)
        code = check_range(client, list, range, err);
    if (code != SPIRA_OK || range->from >= range->to)
        return code;
    code = take_reader(readers, &reader, err);
    if (code != SPIRA_OK)
        return code;
    list->elems[0].offset = range->from;
    rd_kafka_resp_err_t error = rd_kafka_assign(reader->owner.client, list);
    if (error)
        code = spira_kafka_fail(&reader->owner, error, err, "reading topic %s", range->topic);
    else
        code = read_on(reader, range, visit, context, err);
    rd_kafka_assign(reader->owner.client, NULL);
    give_back(readers, reader);
    return code;
}
