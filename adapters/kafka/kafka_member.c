/* The group's protocol is the eager one (range): at each rebalance all partitions are revoked, then
 * the new ones assigned. We keep our own account of what is owned and what is paused, because
 *   - a commit for a partition that is another's by now may still be accepted by the broker;
 *   - librdkafka's pause of a partition outlives its revocation: whoever got it back, and had not
 *     paused it, would wait for ever.
 * Where the group stands is asked at the assignment, and the fetching begins only when it is known,
 * so that positions never guesses. The last offsets of a partition may be no messages (what a
 * transaction leaves): the client's word that it is at the end, and where that is, takes us and the
 * group over them. */
#include "adapters/kafka/kafka_member.h"

#include <stdio.h>
#include <string.h>

#include "adapters/kafka/kafka_message.h"
#include "adapters/kafka/kafka_reader.h"
#include "adapters/kafka/kafka_topics.h"

enum { PLACE_MS = 2000, PLACE_PAUSE_MS = 1000, CLOSE_MS = 5000, CLOSE_POLL_MS = 20 };

struct owned_partition {
    struct spira_position position; /* committed -1: an answer was lost, ask again */
    int64_t delivered;              /* behind the last message that came */
    bool paused;                    /* by us, in the client */
};

struct member {
    struct kafka_owner owner; /* first: the opaque of callbacks */
    struct kafka_producer *producer;
    struct owned_partition *owned;
    size_t owned_count;
    bool placed;         /* the owned partitions' positions are known, and they are fetched */
    int64_t place_again; /* when to try that again */
    bool paused;
    struct spira_error trouble; /* since the last poll */
};

static struct owned_partition *find_owned(const struct member *member, const char *topic,
                                          int32_t partition)
{
    for (size_t i = 0; i < member->owned_count; i++) {
        struct owned_partition *owned = &member->owned[i];
        if (owned->position.partition == partition && strcmp(owned->position.topic, topic) == 0)
            return owned;
    }
    return NULL;
}

/* Freed with rd_kafka_topic_partition_list_destroy. */
static rd_kafka_topic_partition_list_t *list_owned(const struct member *member)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)member->owned_count);
    for (size_t i = 0; i < member->owned_count; i++)
        rd_kafka_topic_partition_list_add(list, member->owned[i].position.topic,
                                          member->owned[i].position.partition);
    return list;
}

/* Pauses or resumes, in the client, those that are not yet so. False: there were none. */
static bool set_paused(struct member *member, bool paused)
{
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)member->owned_count);
    for (size_t i = 0; i < member->owned_count; i++) {
        struct owned_partition *owned = &member->owned[i];
        if (owned->paused == paused)
            continue;
        rd_kafka_topic_partition_list_add(list, owned->position.topic, owned->position.partition);
        owned->paused = paused;
    }
    if (paused)
        rd_kafka_pause_partitions(member->owner.client, list);
    else
        rd_kafka_resume_partitions(member->owner.client, list);
    return list->cnt > 0;
}

/* Fills list with what the group has committed; below 0 where it has not. */
static enum spira_code ask_committed(const struct member *member,
                                     rd_kafka_topic_partition_list_t *list, int64_t deadline_ms,
                                     struct spira_error *err)
{
    rd_kafka_resp_err_t error =
        rd_kafka_committed(member->owner.client, list, spira_kafka_left_ms(deadline_ms));
    for (int i = 0; i < list->cnt && !error; i++)
        error = list->elems[i].err;
    return error ? spira_kafka_fail(&member->owner, error, err, "asking what the group committed")
                 : SPIRA_OK;
}

/* Where a member begins: behind what is committed; at the beginning where nothing is, or nothing
 * that the partition still holds. */
static void place_one(struct owned_partition *owned, int64_t committed, int64_t begin, int64_t end)
{
    struct spira_position *position = &owned->position;
    position->committed = committed >= 0 && committed <= end ? committed : begin;
    position->next = committed >= begin && committed <= end ? committed : begin;
    owned->delivered = position->next;
}

/* Learns where the group stands in the owned partitions, and begins to fetch there. */
static enum spira_code place(struct member *member, int timeout_ms, struct spira_error *err)
{
    int64_t deadline = spira_kafka_now_ms() + timeout_ms;
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *commits = list_owned(member);
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *begins = list_owned(member);
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *ends = list_owned(member);
    enum spira_code code = SPIRA_OK;
    if (member->owned_count > 0)
        code = ask_committed(member, commits, deadline, err);
    if (member->owned_count > 0 && code == SPIRA_OK)
        code =
            spira_kafka_offsets(&member->owner, begins, RD_KAFKA_OFFSET_BEGINNING, deadline, err);
    if (member->owned_count > 0 && code == SPIRA_OK)
        code = spira_kafka_offsets(&member->owner, ends, RD_KAFKA_OFFSET_END, deadline, err);
    for (size_t i = 0; i < member->owned_count && code == SPIRA_OK; i++) {
        struct owned_partition *owned = &member->owned[i];
        place_one(owned, commits->elems[i].offset, begins->elems[i].offset, ends->elems[i].offset);
        commits->elems[i].offset = owned->position.next;
    }
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == SPIRA_OK)
        error = rd_kafka_assign(member->owner.client, commits);
    if (error)
        code = spira_kafka_fail(&member->owner, error, err, "taking the assigned partitions");
    member->placed = code == SPIRA_OK;
    member->place_again = spira_kafka_now_ms() + PLACE_PAUSE_MS;
    if (member->placed && member->paused)
        set_paused(member, true);
    return code;
}

static void take_assigned(struct member *member, const rd_kafka_topic_partition_list_t *assigned)
{
    member->owned = spira_alloc((size_t)assigned->cnt + 1, sizeof *member->owned);
    member->owned_count = (size_t)assigned->cnt;
    for (int i = 0; i < assigned->cnt; i++) {
        struct spira_position *position = &member->owned[i].position;
        snprintf(position->topic, sizeof position->topic, "%s", assigned->elems[i].topic);
        position->partition = assigned->elems[i].partition;
    }
    if (place(member, PLACE_MS, &member->trouble) == SPIRA_OK)
        return;
    /* They are ours, and the group must hear so; poll places them. */
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    rd_kafka_assign(member->owner.client, none);
}

static void let_go(struct member *member)
{
    set_paused(member, false);
    free(member->owned);
    member->owned = NULL;
    member->owned_count = 0;
    member->placed = true;
}

static void rebalanced(rd_kafka_t *client, rd_kafka_resp_err_t event,
                       rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct member *member = opaque;
    let_go(member);
    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        take_assigned(member, partitions);
    else
        rd_kafka_assign(client, NULL);
}

/* What happens to the connections; librdkafka makes them again by itself. */
static void troubled(rd_kafka_t *client, int error, const char *reason, void *opaque)
{
    (void)client;
    struct member *member = opaque;
    if (error != RD_KAFKA_RESP_ERR__FATAL) /* poll asks for that one */
        spira_fail(&member->trouble, SPIRA_EUNREACHABLE, "%s: %s", member->owner.cluster->servers,
                   reason);
}

/* What a poll without a message says. */
static enum spira_code tell_trouble(struct member *member, struct spira_error *err)
{
    enum spira_code code = spira_kafka_alive(&member->owner, err);
    if (code == SPIRA_OK && member->trouble.code != SPIRA_OK) {
        *err = member->trouble;
        code = member->trouble.code;
    }
    member->trouble.code = SPIRA_OK;
    return code;
}

/* Takes raw, which is a message. */
static enum spira_code receive(struct member *member, rd_kafka_message_t *raw,
                               const struct spira_message **ret_message, struct spira_error *err)
{
    const char *topic = rd_kafka_topic_name(raw->rkt);
    struct owned_partition *owned = find_owned(member, topic, raw->partition);
    enum spira_code code = SPIRA_OK;
    if (!owned || owned->paused)
        /* To drop it would be to skip it; begun again, we get it again. */
        code = spira_fail(err, SPIRA_EBUG, "%s: %s: message %jd of partition %d came, which is %s",
                          member->owner.cluster->servers, topic, (intmax_t)raw->offset,
                          (int)raw->partition, owned ? "paused" : "not ours");
    else if (spira_kafka_message_new(raw, ret_message, err) != SPIRA_OK)
        code = err->code = SPIRA_EBUG; /* for the same reason */
    if (code == SPIRA_OK)
        owned->delivered = owned->position.next = raw->offset + 1;
    else
        rd_kafka_message_destroy(raw);
    return code;
}

/* Takes raw: what came instead of a message. */
static void hear(struct member *member, rd_kafka_message_t *raw)
{
    if (raw->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        struct owned_partition *owned =
            find_owned(member, rd_kafka_topic_name(raw->rkt), raw->partition);
        if (owned && !owned->paused && owned->position.next < raw->offset)
            owned->position.next = raw->offset;
    } else {
        spira_fail(&member->trouble, SPIRA_EUNREACHABLE, "%s: %s", member->owner.cluster->servers,
                   rd_kafka_message_errstr(raw));
    }
    rd_kafka_message_destroy(raw);
}

/* Commits one offset. When the answer does not come in time the queue it would come to is gone, and
 * nobody knows what is committed. */
static rd_kafka_resp_err_t commit_offset(struct member *member, const char *topic,
                                         int32_t partition, int64_t offset)
{
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(member->owner.client);
    rd_kafka_resp_err_t error =
        rd_kafka_commit_queue(member->owner.client, list, queue, NULL, NULL);
    rd_kafka_event_t *event = error ? NULL : rd_kafka_queue_poll(queue, SPIRA_KAFKA_ANSWER_MS);
    if (!error && !event)
        error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event) {
        error = rd_kafka_event_error(event);
        const rd_kafka_topic_partition_list_t *told = rd_kafka_event_topic_partition_list(event);
        if (!error && told && told->cnt == 1)
            error = told->elems[0].err;
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    return error;
}

/* Where all that came is committed, and no message is left, the group goes on behind what is none.
 */
static void commit_gaps(struct member *member)
{
    for (size_t i = 0; i < member->owned_count; i++) {
        struct owned_partition *owned = &member->owned[i];
        struct spira_position *position = &owned->position;
        if (position->committed != owned->delivered || position->next == owned->delivered)
            continue;
        bool failed = commit_offset(member, position->topic, position->partition, position->next);
        position->committed = failed ? -1 : position->next;
    }
}

static enum spira_code poll_member(void *self, int timeout_ms,
                                   const struct spira_message **ret_message,
                                   struct spira_error *err)
{
    struct member *member = self;
    if (!member->placed && spira_kafka_now_ms() >= member->place_again &&
        place(member, PLACE_MS, err) != SPIRA_OK)
        member->trouble = *err;
    if (member->paused && member->placed)
        set_paused(member, true);
    rd_kafka_message_t *raw = rd_kafka_consumer_poll(member->owner.client, timeout_ms);
    spira_kafka_producer_serve(member->producer);
    if (raw && !raw->err)
        return receive(member, raw, ret_message, err);
    if (raw)
        hear(member, raw);
    commit_gaps(member);
    enum spira_code code = tell_trouble(member, err);
    if (code == SPIRA_OK)
        *ret_message = NULL;
    return code;
}

static void release(void *self, const struct spira_message *message)
{
    (void)self;
    spira_kafka_message_free(message);
}

/* Messages come by poll alone, so the client is paused there: what is handled between two polls,
 * as most of the messages of a projector are, does not throw away what was fetched. */
static void pause_member(void *self)
{
    struct member *member = self;
    member->paused = true;
}

static void resume_member(void *self)
{
    struct member *member = self;
    member->paused = false;
    if (!set_paused(member, false))
        return;
    /* A resumed partition is fetched again when its broker's thread wakes up for some other reason,
     * up to a second later. A seek wakes it at once, and where we are is where it goes to. */
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list = list_owned(member);
    for (size_t i = 0; i < member->owned_count; i++)
        list->elems[i].offset = member->owned[i].position.next;
    rd_kafka_error_destroy(rd_kafka_seek_partitions(member->owner.client, list, 0));
}

static bool owns(void *self, const char *topic, int32_t partition)
{
    return find_owned(self, topic, partition) != NULL;
}

static enum spira_code not_owned(const struct member *member, const char *topic, int32_t partition,
                                 struct spira_error *err)
{
    return spira_fail(err, SPIRA_ECONFLICT, "%s: %s: partition %d is another member's now",
                      member->owner.cluster->servers, topic, (int)partition);
}

static enum spira_code commit(void *self, const struct spira_message *message,
                              struct spira_error *err)
{
    struct member *member = self;
    struct owned_partition *owned = find_owned(member, message->topic, message->partition);
    if (!owned)
        return not_owned(member, message->topic, message->partition, err);
    rd_kafka_resp_err_t error =
        commit_offset(member, message->topic, message->partition, message->offset + 1);
    owned->position.committed = error ? -1 : message->offset + 1;
    if (!error)
        return SPIRA_OK;
    return spira_kafka_fail(&member->owner, error, err, "committing offset %jd of %s, partition %d",
                            (intmax_t)message->offset + 1, message->topic, (int)message->partition);
}

/* Asks again where an answer to a commit was lost. */
static enum spira_code ask_unknown(struct member *member, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list = list_owned(member);
    bool unknown = false;
    for (size_t i = 0; i < member->owned_count; i++)
        unknown = unknown || member->owned[i].position.committed < 0;
    if (!unknown)
        return SPIRA_OK;
    enum spira_code code =
        ask_committed(member, list, spira_kafka_now_ms() + SPIRA_KAFKA_ANSWER_MS, err);
    for (size_t i = 0; i < member->owned_count && code == SPIRA_OK; i++) {
        struct spira_position *position = &member->owned[i].position;
        if (position->committed < 0) /* and if nothing is, the group would begin at the beginning */
            position->committed = list->elems[i].offset < 0 ? 0 : list->elems[i].offset;
    }
    return code;
}

static enum spira_code positions(void *self, struct spira_position **ret_positions,
                                 size_t *ret_count, struct spira_error *err)
{
    struct member *member = self;
    enum spira_code code = SPIRA_OK;
    if (!member->placed)
        code = place(member, PLACE_MS, err);
    if (code == SPIRA_OK)
        code = ask_unknown(member, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_position *all = spira_alloc(member->owned_count + 1, sizeof *all);
    for (size_t i = 0; i < member->owned_count; i++)
        all[i] = member->owned[i].position;
    *ret_positions = all;
    *ret_count = member->owned_count;
    return SPIRA_OK;
}

/* Gives the offset at which a seek ends: the first there is, where the one wanted has expired. */
static enum spira_code find_offset(struct member *member, rd_kafka_topic_partition_list_t *list,
                                   int64_t wanted, int64_t deadline_ms, int64_t *ret_offset,
                                   struct spira_error *err)
{
    enum spira_code code =
        spira_kafka_offsets(&member->owner, list, RD_KAFKA_OFFSET_BEGINNING, deadline_ms, err);
    if (code != SPIRA_OK)
        return code;
    int64_t begin = list->elems[0].offset;
    code = spira_kafka_offsets(&member->owner, list, RD_KAFKA_OFFSET_END, deadline_ms, err);
    if (code != SPIRA_OK)
        return code;
    if (wanted > list->elems[0].offset) /* the fetch would begin anew at the beginning */
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: %s: partition %d ends at %jd, before %jd",
                          member->owner.cluster->servers, list->elems[0].topic,
                          (int)list->elems[0].partition, (intmax_t)list->elems[0].offset,
                          (intmax_t)wanted);
    *ret_offset = wanted < begin ? begin : wanted;
    return SPIRA_OK;
}

static enum spira_code seek(void *self, const char *topic, int32_t partition, int64_t offset,
                            struct spira_error *err)
{
    struct member *member = self;
    struct owned_partition *owned = find_owned(member, topic, partition);
    if (!owned)
        return not_owned(member, topic, partition, err);
    int64_t deadline = spira_kafka_now_ms() + SPIRA_KAFKA_ANSWER_MS;
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *wanted = rd_kafka_topic_partition_list_add(list, topic, partition);
    enum spira_code code = member->placed ? SPIRA_OK : place(member, PLACE_MS, err);
    if (code == SPIRA_OK)
        code = find_offset(member, list, offset, deadline, &offset, err);
    if (code != SPIRA_OK)
        return code;
    do { /* its timeout is a thousandth of what is asked for, and a fetch may be just beginning */
        wanted->offset = offset;
        rd_kafka_error_t *failure =
            rd_kafka_seek_partitions(member->owner.client, list, SPIRA_KAFKA_ANSWER_MS);
        if (failure)
            rd_kafka_error_destroy(failure); /* it only says that wanted->err is not settled */
    } while (wanted->err && spira_kafka_again(deadline));
    if (wanted->err)
        return spira_kafka_fail(&member->owner, wanted->err, err,
                                "going to offset %jd of %s, partition %d", (intmax_t)offset, topic,
                                (int)partition);
    owned->delivered = owned->position.next = offset;
    return SPIRA_OK;
}

static void free_member(struct member *member)
{
    spira_kafka_client_free(&member->owner);
    free(member->owned);
    free(member);
}

/* Leaves the group. With no broker, and a commit that was begun, librdkafka would take as long as a
 * session lasts; a worker that was told to end has no such time. */
static void close_member(void *self)
{
    struct member *member = self;
    rd_kafka_t *client = member->owner.client;
    int64_t deadline = spira_kafka_now_ms() + CLOSE_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_error_t *failure = rd_kafka_consumer_close_queue(client, queue);
    while (!failure && !rd_kafka_consumer_closed(client) && spira_kafka_left_ms(deadline) > 0) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CLOSE_POLL_MS);
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            rebalanced(client, rd_kafka_event_error(event),
                       rd_kafka_event_topic_partition_list(event), member);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    if (failure || rd_kafka_consumer_closed(client))
        free_member(member);
    else
        spira_kafka_client_abandon(&member->owner);
    if (failure) /* it had been closed by its own fatal error */
        rd_kafka_error_destroy(failure);
}

static enum spira_code new_member(const struct kafka_cluster *cluster, const char *group,
                                  struct member **ret_member, struct spira_error *err)
{
    const struct spira_kafka_property fixed[] = {
        {"group.id", group},
        {"partition.assignment.strategy", "range"},
        {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},
        {cluster->group_instance_id ? "group.instance.id" : NULL, cluster->group_instance_id},
        {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    enum spira_code code = spira_kafka_consumer_conf(cluster, fixed, &conf, err);
    if (code != SPIRA_OK)
        return code;
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_error_cb(conf, troubled);
    struct member *member = spira_alloc(1, sizeof *member);
    member->placed = true;
    code = spira_kafka_client_new(&member->owner, cluster, RD_KAFKA_CONSUMER, conf, err);
    if (code != SPIRA_OK) {
        free(member);
        return code;
    }
    rd_kafka_poll_set_consumer(member->owner.client);
    *ret_member = member;
    return SPIRA_OK;
}

enum spira_code spira_kafka_subscribe(const struct kafka_cluster *cluster,
                                      struct kafka_producer *producer, const char *group,
                                      const char *const *topics, size_t topic_count,
                                      struct spira_consumer *ret_consumer, struct spira_error *err)
{
    static const struct spira_consumer_ops ops = {.poll = poll_member,
                                                  .release = release,
                                                  .pause = pause_member,
                                                  .resume = resume_member,
                                                  .owns = owns,
                                                  .commit = commit,
                                                  .positions = positions,
                                                  .seek = seek,
                                                  .close = close_member};
    SPIRA_CLEANUP(spira_kafka_list_done)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)topic_count);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; i < topic_count && code == SPIRA_OK; i++) {
        int32_t partitions = 0;
        code = spira_kafka_topic_partitions(spira_kafka_producer_client(producer), topics[i],
                                            &partitions, err);
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    }
    struct member *member = NULL;
    if (code == SPIRA_OK)
        code = new_member(cluster, group, &member, err);
    if (code != SPIRA_OK)
        return code;
    member->producer = producer;
    rd_kafka_resp_err_t error = rd_kafka_subscribe(member->owner.client, list);
    if (error) {
        code = spira_kafka_fail(&member->owner, error, err, "joining group %s", group);
        free_member(member);
        return code;
    }
    *ret_consumer = (struct spira_consumer){.ops = &ops, .self = member};
    return SPIRA_OK;
}
