/* Groups, other programs' messages and gaps on the brokers that SPIRA_KAFKA names. */
#include <librdkafka/rdkafka.h>

#include "tests/adapters/kafka/kafka_steps.h"

enum { PARTITIONS = 4, MESSAGES = 40 };

/* A group notices within seconds that a member is gone. */
static const struct spira_kafka_property quick[] = {{"session.timeout.ms", "6000"},
                                                    {"heartbeat.interval.ms", "500"},
                                                    {"max.poll.interval.ms", "6000"},
                                                    {NULL, NULL}};

static const char *servers; /* of this test */
static char topic[64];      /* and the name of its group */
static struct spira_event_bus bus;

static void start(int32_t partitions)
{
    servers = getenv("SPIRA_KAFKA");
    if (!servers) {
        fputs("SPIRA_KAFKA is not set\n", stderr); /* by which ctest knows */
        cr_skip("SPIRA_KAFKA is not set");
    }
    snprintf(topic, sizeof topic, "kafka-test.%d-%jd", (int)getpid(), (intmax_t)time(NULL));
    bus = open_bus(servers, NULL, quick);
    must(spira_bus_ensure_topic(bus, topic, partitions, &err));
}

static void end(void)
{
    spira_event_bus_done(&bus);
}

static int count_owned(struct spira_consumer consumer)
{
    int count = 0;
    for (int32_t i = 0; i < PARTITIONS; i++)
        count += spira_consumer_owns(consumer, topic, i);
    return count;
}

/* Polls both, which get nothing, until each owns so many partitions. */
static void settle(struct spira_consumer first, int first_count, struct spira_consumer second,
                   int second_count)
{
    for (int64_t until = now_ms() + PATIENCE_MS;
         count_owned(first) != first_count || count_owned(second) != second_count;) {
        cr_assert_lt(now_ms(), until, "the group does not settle");
        cr_assert_null(next_within(first, POLL_MS, NULL));
        cr_assert_null(next_within(second, POLL_MS, NULL));
    }
}

/* Message i has the text i; the keys reach every partition. */
static void send_numbers(int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        send_text(bus, topic, text, text);
    }
    must(spira_bus_flush(bus, PATIENCE_MS, &err));
}

static int64_t count_pending(const char *group)
{
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    int64_t messages = 0;
    must(spira_bus_pending(bus, group, topic, &ranges, &count, &err));
    for (size_t i = 0; i < count; i++)
        messages += ranges[i].to - ranges[i].from;
    free(ranges);
    return messages;
}

/* Takes what comes, and commits it, until the group has nothing left. */
static void handle_all(struct spira_consumer *members, size_t count, bool handled[MESSAGES])
{
    for (int64_t until = now_ms() + PATIENCE_MS; count_pending(topic) > 0;) {
        cr_assert_lt(now_ms(), until, "%jd messages do not come", (intmax_t)count_pending(topic));
        for (size_t i = 0; i < count; i++) {
            const struct spira_message *message = next_within(members[i], POLL_MS, NULL);
            if (!message)
                continue;
            struct spira_error err = {0};
            enum spira_code code = spira_consumer_commit(members[i], message, &err);
            cr_assert(code == SPIRA_OK || code == SPIRA_ECONFLICT || code == SPIRA_EUNREACHABLE,
                      "%s", err.message);
            handled[strtol(message->key, NULL, 10)] |= code == SPIRA_OK;
            spira_consumer_release(members[i], message);
        }
    }
}

Test(event_bus_kafka, no_message_is_lost_while_a_busy_member_loses_partitions)
{
    start(PARTITIONS);
    send_numbers(0, MESSAGES);
    bool handled[MESSAGES] = {false};
    struct spira_consumer members[2] = {join(bus, topic, topic)};
    const struct spira_message *held = next(members[0]);
    spira_consumer_pause(members[0]);
    members[1] = join(bus, topic, topic);
    spira_consumer_pause(members[1]);
    settle(members[0], 2, members[1], 2);
    struct spira_error err = {0};
    enum spira_code code = spira_consumer_commit(members[0], held, &err);
    bool kept = spira_consumer_owns(members[0], topic, held->partition);
    cr_assert_eq(code, kept ? SPIRA_OK : SPIRA_ECONFLICT, "%s", err.message);
    handled[strtol(held->key, NULL, 10)] = kept;
    spira_consumer_release(members[0], held);
    spira_consumer_resume(members[0]);
    spira_consumer_resume(members[1]);
    handle_all(members, 2, handled);
    for (int i = 0; i < MESSAGES; i++)
        cr_assert(handled[i], "message %d", i);
    spira_consumer_done(&members[0]);
    spira_consumer_done(&members[1]);
    end();
}

Test(event_bus_kafka, a_partition_that_was_paused_elsewhere_and_comes_back_is_not_stuck)
{
    start(PARTITIONS);
    struct spira_consumer first = join(bus, topic, topic);
    settle(first, PARTITIONS, first, PARTITIONS);
    spira_consumer_pause(first);
    struct spira_consumer second = join(bus, topic, topic);
    settle(first, 2, second, 2);  /* two go away while they are paused */
    spira_consumer_resume(first); /* without them */
    spira_consumer_done(&second); /* and come back */
    settle(first, PARTITIONS, first, PARTITIONS);
    send_numbers(0, MESSAGES);
    bool handled[MESSAGES] = {false};
    handle_all(&first, 1, handled);
    spira_consumer_pause(first); /* and the pause is over all of them */
    send_numbers(0, MESSAGES);
    cr_assert_null(next_within(first, 1000, NULL));
    spira_consumer_resume(first);
    handle_all(&first, 1, handled);
    spira_consumer_done(&first);
    end();
}

Test(event_bus_kafka, a_pause_outlives_a_rebalance)
{
    start(PARTITIONS);
    send_numbers(0, MESSAGES);
    struct spira_consumer first = join(bus, topic, topic);
    spira_consumer_pause(first);
    settle(first, PARTITIONS, first, PARTITIONS);
    struct spira_consumer second = join(bus, topic, topic);
    spira_consumer_pause(second);
    settle(first, 2, second, 2);
    spira_consumer_done(&second);
    settle(first, PARTITIONS, first, PARTITIONS);
    cr_assert_null(next_within(first, 1000, NULL));
    spira_consumer_resume(first);
    bool handled[MESSAGES] = {false};
    handle_all(&first, 1, handled);
    spira_consumer_done(&first);
    end();
}

Test(event_bus_kafka, who_does_not_poll_has_lost_its_partitions, .timeout = 60)
{
    start(1);
    send_and_flush(bus, topic, "k", "a");
    struct spira_consumer consumer = join(bus, topic, topic);
    const struct spira_message *message = next(consumer);
    sleep(8); /* max.poll.interval.ms and a moment */
    struct spira_error err = {0};
    cr_assert_eq(spira_consumer_commit(consumer, message, &err), SPIRA_ECONFLICT, "%s",
                 err.message);
    spira_consumer_release(consumer, message);
    handle(consumer, "a"); /* it joins again */
    cr_assert_eq(count_pending(topic), 0);
    spira_consumer_done(&consumer);
    end();
}

Test(event_bus_kafka, a_named_member_comes_back_before_anybody_notices, .timeout = 60)
{
    start(PARTITIONS);
    struct spira_event_bus named[2] = {open_bus(servers, "slot-1", quick),
                                       open_bus(servers, "slot-2", quick)};
    struct spira_consumer first = join(named[0], topic, topic),
                          second = join(named[1], topic, topic);
    settle(first, 2, second, 2);
    spira_consumer_done(&first);
    spira_event_bus_done(&named[0]);
    for (int64_t until = now_ms() + 1000; now_ms() < until;) {
        cr_assert_null(next_within(second, POLL_MS, NULL));
        cr_assert_eq(count_owned(second), 2);
    }
    send_numbers(0, MESSAGES);
    named[0] = open_bus(servers, "slot-1", quick);
    first = join(named[0], topic, topic);
    int64_t began = now_ms();
    spira_consumer_release(first, next(first));
    cr_assert_lt(now_ms() - began, 3000, "it took %jd ms", (intmax_t)(now_ms() - began));
    cr_assert_eq(count_owned(second), 2);
    spira_consumer_done(&first);
    spira_consumer_done(&second);
    spira_event_bus_done(&named[0]);
    spira_event_bus_done(&named[1]);
    end();
}

Test(event_bus_kafka, of_two_members_with_one_name_the_older_ends, .timeout = 60)
{
    start(1);
    struct spira_event_bus named[2] = {open_bus(servers, "slot-1", quick),
                                       open_bus(servers, "slot-1", quick)};
    struct spira_consumer older = join(named[0], topic, topic);
    while (!spira_consumer_owns(older, topic, 0))
        cr_assert_null(next_within(older, POLL_MS, NULL));
    struct spira_consumer newer = join(named[1], topic, topic);
    const struct spira_message *message = NULL;
    struct spira_error err = {0};
    enum spira_code code = SPIRA_OK;
    for (int64_t until = now_ms() + PATIENCE_MS; code != SPIRA_EBUG && now_ms() < until;) {
        code = spira_consumer_poll(older, POLL_MS, &message, &err);
        cr_assert_null(next_within(newer, POLL_MS, NULL));
    }
    cr_assert_eq(code, SPIRA_EBUG);
    cr_assert(strstr(err.message, "cannot go on"), "%s", err.message);
    spira_consumer_done(&older);
    send_and_flush(bus, topic, "k", "a");
    handle(newer, "a");
    spira_consumer_done(&newer);
    spira_event_bus_done(&named[0]);
    spira_event_bus_done(&named[1]);
    end();
}

/* Pauses for each message, and polls so often while it is busy; gives the milliseconds it took. */
static int64_t handle_one_by_one(int polls)
{
    start(1);
    send_numbers(0, MESSAGES);
    struct spira_consumer consumer = join(bus, topic, topic);
    handle(consumer, "0");
    int64_t began = now_ms();
    for (int i = 1; i < MESSAGES; i++) {
        const struct spira_message *message = next(consumer), *none = NULL;
        cr_assert_eq(message->offset, i);
        spira_consumer_pause(consumer);
        for (int k = 0; k < polls; k++) {
            must(spira_consumer_poll(consumer, 1, &none, &err));
            cr_assert_null(none);
        }
        must(spira_consumer_commit(consumer, message, &err));
        spira_consumer_release(consumer, message);
        spira_consumer_resume(consumer);
    }
    int64_t took = now_ms() - began;
    spira_consumer_done(&consumer);
    end();
    return took;
}

Test(event_bus_kafka, a_member_that_was_busy_does_not_wait_for_the_next_message)
{
    int64_t took = handle_one_by_one(2);
    cr_assert_lt(took, MESSAGES * 300, "%jd ms", (intmax_t)took);
}

Test(event_bus_kafka, a_member_that_is_busy_for_a_moment_keeps_what_was_fetched)
{
    int64_t took = handle_one_by_one(0);
    cr_assert_lt(took, MESSAGES * 50, "%jd ms", (intmax_t)took);
}

/* A producer of another program, with a transaction when it has a name. */
static rd_kafka_t *other_producer(const char *transactional_id)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", servers, why, sizeof why), 0);
    if (transactional_id)
        cr_assert_eq(rd_kafka_conf_set(conf, "transactional.id", transactional_id, why, sizeof why),
                     0);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    cr_assert(producer, "%s", why);
    return producer;
}

struct seen {
    char texts[256];
    int count;
};

static enum spira_code see_odd(void *context, const struct spira_message *message,
                               struct spira_error *err)
{
    (void)err;
    struct seen *seen = context;
    seen->count++;
    cr_assert(message->key == NULL && message->value == NULL && message->size == 0);
    cr_assert_eq(message->header_count, 4);
    cr_assert_str_eq(spira_message_header(message, "binary"), "ab");
    cr_assert_str_eq(spira_message_header(message, "null"), "");
    cr_assert_str_eq(spira_message_header(message, "empty"), "");
    cr_assert_str_eq(spira_message_header(message, "text"), "value");
    return SPIRA_OK;
}

Test(event_bus_kafka, messages_of_other_programs_are_understood)
{
    start(1);
    rd_kafka_t *producer = other_producer(NULL);
    cr_assert_eq(rd_kafka_producev(
                     producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_HEADER("binary", "ab\0cd", 5),
                     RD_KAFKA_V_HEADER("null", NULL, 0), RD_KAFKA_V_HEADER("empty", "", 0),
                     RD_KAFKA_V_HEADER("text", "value", -1), RD_KAFKA_V_END),
                 0);
    cr_assert_eq(rd_kafka_flush(producer, PATIENCE_MS), 0);
    rd_kafka_destroy(producer);
    send_and_flush(bus, topic, "k", NULL);
    struct spira_offset_range range = {.to = 1};
    snprintf(range.topic, sizeof range.topic, "%s", topic);
    struct seen seen = {.count = 0};
    must(spira_bus_read(bus, &range, see_odd, &seen, &err));
    cr_assert_eq(seen.count, 1);
    struct spira_consumer consumer = join(bus, topic, topic);
    const struct spira_message *message = next(consumer);
    must(see_odd(&seen, message, &err));
    spira_consumer_release(consumer, message);
    message = next(consumer);
    cr_assert(message->key && message->value == NULL && message->size == 0);
    spira_consumer_release(consumer, message);
    spira_consumer_done(&consumer);
    end();
}

static enum spira_code note(void *context, const struct spira_message *message,
                            struct spira_error *err)
{
    (void)err;
    struct seen *seen = context;
    size_t used = strlen(seen->texts);
    snprintf(seen->texts + used, sizeof seen->texts - used, "%jd:%.*s ", (intmax_t)message->offset,
             (int)message->size, (const char *)message->value);
    return SPIRA_OK;
}

static void transact(rd_kafka_t *producer, const char *text, bool commit)
{
    cr_assert_null(rd_kafka_begin_transaction(producer));
    cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                   RD_KAFKA_V_VALUE((void *)text, strlen(text)), RD_KAFKA_V_END),
                 0);
    cr_assert_eq(rd_kafka_flush(producer, PATIENCE_MS), 0); /* an abort drops what is queued */
    cr_assert_null(commit ? rd_kafka_commit_transaction(producer, PATIENCE_MS)
                          : rd_kafka_abort_transaction(producer, PATIENCE_MS));
}

Test(event_bus_kafka, a_range_with_gaps_is_read_to_its_end)
{
    start(1);
    rd_kafka_t *producer = other_producer(topic);
    cr_assert_null(rd_kafka_init_transactions(producer, PATIENCE_MS));
    transact(producer, "a", true); /* its message at 0, its marker at 1 */
    transact(producer, "b", true);
    transact(producer, "c", false);
    rd_kafka_destroy(producer);
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    for (int64_t until = now_ms() + PATIENCE_MS; !ranges || ranges[0].to < 6;) {
        cr_assert_lt(now_ms(), until, "the last marker does not come");
        free(ranges);
        must(spira_bus_ranges(bus, topic, &ranges, &count, &err));
    }
    cr_assert(count == 1 && ranges[0].from == 0 && ranges[0].to == 6);
    struct seen whole = {.count = 0}, part = {.count = 0}, none = {.count = 0};
    must(spira_bus_read(bus, &ranges[0], note, &whole, &err));
    cr_assert_str_eq(whole.texts, "0:a 2:b ");
    ranges[0].to = 2; /* the last offset is no message */
    must(spira_bus_read(bus, &ranges[0], note, &part, &err));
    cr_assert_str_eq(part.texts, "0:a ");
    ranges[0].from = 3;
    ranges[0].to = 6; /* none of them is */
    must(spira_bus_read(bus, &ranges[0], note, &none, &err));
    cr_assert_str_eq(none.texts, "");
    free(ranges);
    end();
}

/* Polls, which gives nothing, until the group has so many offsets left. */
static void settle_pending(struct spira_consumer consumer, int64_t wanted)
{
    for (int64_t until = now_ms() + PATIENCE_MS; count_pending(topic) != wanted;) {
        cr_assert_lt(now_ms(), until, "%jd offsets are left, not %jd",
                     (intmax_t)count_pending(topic), (intmax_t)wanted);
        cr_assert_null(next_within(consumer, POLL_MS, NULL));
    }
}

Test(event_bus_kafka, a_group_goes_on_behind_offsets_that_are_no_messages)
{
    start(1);
    rd_kafka_t *producer = other_producer(topic);
    cr_assert_null(rd_kafka_init_transactions(producer, PATIENCE_MS));
    struct spira_consumer consumer = join(bus, topic, topic);
    transact(producer, "a", false);
    settle_pending(consumer, 0);
    transact(producer, "b", true); /* at 2, its marker at 3 */
    const struct spira_message *message = next(consumer);
    for (int i = 0; i < 20; i++) /* it hears of the end */
        cr_assert_null(next_within(consumer, POLL_MS, NULL));
    cr_assert_eq(only_position(consumer).committed, 2, "what is not committed is not gone over");
    cr_assert_eq(only_position(consumer).next, 4);
    must(spira_consumer_commit(consumer, message, &err));
    spira_consumer_release(consumer, message);
    settle_pending(consumer, 0);
    cr_assert_eq(only_position(consumer).committed, 4);
    must(spira_consumer_seek(consumer, topic, 0, 2, &err));
    message = next(consumer);
    cr_assert_eq(message->offset, 2);
    spira_consumer_release(consumer, message);
    rd_kafka_destroy(producer);
    spira_consumer_done(&consumer);
    end();
}

/* Removes what is below the offset, as the broker does with what is too old. */
static void expire(int64_t below)
{
    rd_kafka_t *client = other_producer(NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = below;
    rd_kafka_DeleteRecords_t *wanted = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteRecords(client, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENCE_MS);
    cr_assert(event && !rd_kafka_event_error(event), "%s", rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(wanted);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

Test(event_bus_kafka, what_has_expired_unread_shows)
{
    start(1);
    send_numbers(0, 5);
    struct spira_consumer consumer = join(bus, topic, topic);
    handle(consumer, "0");
    spira_consumer_done(&consumer);
    expire(3);
    struct spira_offset_range *held = NULL, *pending = NULL;
    size_t count = 0;
    must(spira_bus_ranges(bus, topic, &held, &count, &err));
    must(spira_bus_pending(bus, topic, topic, &pending, &count, &err));
    cr_assert(held[0].from == 3 && held[0].to == 5);
    cr_assert(pending[0].from == 1 && pending[0].to == 5);
    struct seen seen = {.count = 0};
    must_fail(spira_bus_read(bus, &pending[0], note, &seen, &err), SPIRA_ENOTFOUND, "[3, 5)");
    must(spira_bus_read(bus, &held[0], note, &seen, &err));
    cr_assert_str_eq(seen.texts, "3:3 4:4 ");
    free(held);
    free(pending);
    consumer = join(bus, topic, topic);
    spira_consumer_pause(consumer);
    while (!spira_consumer_owns(consumer, topic, 0))
        cr_assert_null(next_within(consumer, POLL_MS, NULL));
    struct spira_position position = only_position(consumer);
    cr_assert(position.next == 3 && position.committed == 1);
    must(spira_consumer_seek(consumer, topic, 0, 4, &err));
    must(spira_consumer_seek(consumer, topic, 0, 0, &err)); /* which is gone */
    cr_assert_eq(only_position(consumer).next, 3);
    spira_consumer_resume(consumer);
    handle(consumer, "3");
    spira_consumer_done(&consumer);
    end();
}

Test(event_bus_kafka, a_message_that_is_too_large_is_refused)
{
    start(1);
    size_t size = (size_t)2 << 20;
    char *value = calloc(1, size);
    struct spira_message message = {.topic = topic, .key = "k", .value = value, .size = size};
    must_fail(spira_bus_send(bus, &message, &err), SPIRA_ETOOBIG, "2097152 bytes");
    message.size = 900000;
    must(spira_bus_send(bus, &message, &err));
    must(spira_bus_flush(bus, PATIENCE_MS, &err));
    free(value);
    end();
}
