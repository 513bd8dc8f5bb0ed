/* What every event bus does. Nothing is expected of the first poll: a bus may need a while. */
#include <pthread.h>

#include "tests/contract/event_bus_case.h"

CONTRACT(event_bus, a_message_arrives_as_it_was_sent)
{
    static const char value[] = "zero \0 byte";
    char key[] = "patient-1";
    struct spira_header headers[] = {{"ce_id", "42"}, {"traceparent", ""}, {"ce_id2", "x y"}};
    struct spira_message sent = {.topic = subject->topic,
                                 .key = key,
                                 .value = value,
                                 .size = sizeof value,
                                 .headers = headers,
                                 .header_count = 3};
    int64_t before = spira_clock_now_ms(spira_clock_posix());
    must(spira_bus_send(subject->bus, &sent, &err));
    memset(key, '?', sizeof key - 1); /* it was copied */
    headers[0].value = "?";
    flush(subject->bus);
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    const struct spira_message *got = next(consumer);
    cr_assert_str_eq(got->topic, subject->topic);
    cr_assert_str_eq(got->key, "patient-1");
    cr_assert_eq(got->size, sizeof value);
    cr_assert_arr_eq(got->value, value, sizeof value);
    cr_assert_eq(got->header_count, 3);
    cr_assert_str_eq(spira_message_header(got, "ce_id"), "42");
    cr_assert_str_eq(spira_message_header(got, "traceparent"), "");
    cr_assert_null(spira_message_header(got, "none"));
    cr_assert_eq(got->offset, 0);
    cr_assert(got->timestamp_ms >= before - 1000 &&
              got->timestamp_ms <= spira_clock_now_ms(spira_clock_posix()) + 1000);
    cr_assert(spira_consumer_owns(consumer, got->topic, got->partition));
    spira_consumer_release(consumer, got);
}

/* Kafka's own vectors for murmur2 (UtilsTest.testMurmur2); the partition is the hash without its
 * sign bit, modulo their count. */
static const struct {
    const char *key;
    int32_t hash;
} vectors[] = {{"21", -973932308},
               {"foobar", -790332482},
               {"a-little-bit-long-string", -985981536},
               {"a-little-bit-longer-string", -1486304829},
               {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
               {"abc", 479470107}};
enum { VECTORS = sizeof vectors / sizeof *vectors };

static enum spira_code check_partition(void *context, const struct spira_message *message,
                                       struct spira_error *err)
{
    (void)err;
    ++*(int *)context;
    for (size_t i = 0; message->key && i < VECTORS; i++)
        if (strcmp(message->key, vectors[i].key) == 0)
            cr_assert_eq(message->partition, (vectors[i].hash & INT32_MAX) % PARTITIONS, "%s",
                         message->key);
    return SPIRA_OK;
}

CONTRACT(event_bus, keys_go_to_the_partitions_of_kafkas_java_tools)
{
    for (size_t i = 0; i < VECTORS; i++)
        send_text(subject->bus, subject->topic, vectors[i].key, "x");
    send_text(subject->bus, subject->topic, NULL, "without a key");
    flush(subject->bus);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    int messages = 0;
    must(spira_bus_ranges(subject->bus, subject->topic, &ranges, &count, &err));
    cr_assert_eq(count, PARTITIONS);
    for (size_t i = 0; i < count; i++) {
        cr_assert_str_eq(ranges[i].topic, subject->topic);
        cr_assert_eq(ranges[i].partition, (int32_t)i);
        cr_assert_eq(ranges[i].from, 0);
        must(spira_bus_read(subject->bus, &ranges[i], check_partition, &messages, &err));
    }
    cr_assert_eq(messages, VECTORS + 1);
}

CONTRACT(event_bus, a_partition_keeps_its_order)
{
    char text[16];
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "%d", i);
        send_text(subject->bus, subject->topic, "one key", text);
    }
    flush(subject->bus);
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    for (int i = 0; i < 50; i++) {
        const struct spira_message *message = next(consumer);
        snprintf(text, sizeof text, "%d", i);
        expect_text(message, text);
        cr_assert_eq(message->offset, i);
        spira_consumer_release(consumer, message);
    }
    cr_assert_null(next_within(consumer, QUIET_MS, NULL));
}

CONTRACT(event_bus, a_group_goes_on_behind_what_it_committed)
{
    send_text(subject->bus, subject->topic, "k", "one");
    send_text(subject->bus, subject->topic, "k", "two");
    send_text(subject->bus, subject->topic, "k", "three");
    flush(subject->bus);
    struct spira_consumer consumer = join(subject);
    handle(consumer, "one");
    const struct spira_message *message = next(consumer);
    expect_text(message, "two");
    spira_consumer_release(consumer, message);
    spira_consumer_done(&consumer); /* two was not committed */
    consumer = join(subject);
    handle(consumer, "two");
    handle(consumer, "three");
    spira_consumer_done(&consumer);
    consumer = join(subject);
    cr_assert_null(next_within(consumer, QUIET_MS, NULL));
    spira_consumer_done(&consumer);
}

CONTRACT(event_bus, groups_do_not_see_each_other)
{
    send_text(subject->bus, subject->topic, "k", "one");
    flush(subject->bus);
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer first = join(subject);
    handle(first, "one");
    subject->group[0] = 'C'; /* another name */
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer second = join(subject);
    handle(second, "one");
}

CONTRACT(event_bus, a_paused_consumer_gets_nothing_until_it_resumes)
{
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    send_text(subject->bus, subject->topic, "k", "one");
    send_text(subject->bus, subject->topic, "k", "two");
    flush(subject->bus);
    handle(consumer, "one");
    spira_consumer_pause(consumer);
    spira_consumer_pause(consumer);
    cr_assert_null(next_within(consumer, QUIET_MS, NULL));
    spira_consumer_resume(consumer);
    spira_consumer_resume(consumer);
    handle(consumer, "two");
}

CONTRACT(event_bus, what_is_assigned_during_a_pause_is_paused_too)
{
    send_text(subject->bus, subject->topic, "k", "one");
    flush(subject->bus);
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    spira_consumer_pause(consumer);
    cr_assert_null(next_within(consumer, 10 * QUIET_MS, NULL));
    spira_consumer_resume(consumer);
    handle(consumer, "one");
}

CONTRACT(event_bus, members_share_the_partitions_and_take_over_from_each_other)
{
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer first = join(subject);
    settle(subject, first, PARTITIONS, first, PARTITIONS);
    struct spira_consumer second = join(subject);
    settle(subject, first, 2, second, 2);
    cr_assert(!spira_consumer_owns(first, "no.such.topic", 0));
    spira_consumer_done(&second);
    settle(subject, first, PARTITIONS, first, PARTITIONS);
}

CONTRACT(event_bus, a_commit_for_a_lost_partition_is_refused_and_its_message_comes_again)
{
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer first = join(subject);
    for (int i = 0; i < 16; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %d", i);
        send_text(subject->bus, subject->topic, key, key);
    }
    flush(subject->bus);
    /* one message of each partition, in hand while another member takes two of the partitions */
    const struct spira_message *held[PARTITIONS] = {NULL};
    for (int found = 0; found < PARTITIONS;) {
        const struct spira_message *message = next(first);
        if (held[message->partition]) {
            spira_consumer_release(first, message);
            continue;
        }
        held[message->partition] = message;
        found++;
    }
    spira_consumer_pause(first);
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer second = join(subject);
    spira_consumer_pause(second);
    settle(subject, first, 2, second, 2);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        if (spira_consumer_owns(first, subject->topic, partition))
            must(spira_consumer_commit(first, held[partition], &err));
        else
            must_fail(spira_consumer_commit(first, held[partition], &err), SPIRA_ECONFLICT);
        spira_consumer_release(first, held[partition]);
    }
    spira_consumer_resume(second);
    const struct spira_message *again = next(second);
    cr_assert_eq(again->offset, 0);
    cr_assert(spira_consumer_owns(second, subject->topic, again->partition));
    must(spira_consumer_commit(second, again, &err));
    spira_consumer_release(second, again);
}

struct texts {
    char all[256];
    int left; /* visits until the visit fails */
};

static enum spira_code note(void *context, const struct spira_message *message,
                            struct spira_error *err)
{
    struct texts *texts = context;
    if (texts->left-- == 0)
        return spira_fail(err, SPIRA_ECANCELED, "enough");
    size_t used = strlen(texts->all);
    snprintf(texts->all + used, sizeof texts->all - used, "%jd:%.*s ", (intmax_t)message->offset,
             (int)message->size, (const char *)message->value);
    return SPIRA_OK;
}

CONTRACT(event_bus, a_range_is_read_without_moving_any_group)
{
    send_text(subject->bus, subject->topic, "k", "a");
    send_text(subject->bus, subject->topic, "k", "b");
    send_text(subject->bus, subject->topic, "k", "c");
    flush(subject->bus);
    struct spira_offset_range range = range_of(subject);
    cr_assert(range.from == 0 && range.to == 3);
    struct texts whole = {.left = 9}, part = {.left = 9}, cut = {.left = 1}, none = {.left = 9};
    must(spira_bus_read(subject->bus, &range, note, &whole, &err));
    cr_assert_str_eq(whole.all, "0:a 1:b 2:c ");
    must_fail(spira_bus_read(subject->bus, &range, note, &cut, &err), SPIRA_ECANCELED);
    cr_assert_str_eq(cut.all, "0:a ");
    range.from = 1;
    range.to = 2;
    must(spira_bus_read(subject->bus, &range, note, &part, &err));
    cr_assert_str_eq(part.all, "1:b ");
    range.to = 1;
    must(spira_bus_read(subject->bus, &range, note, &none, &err));
    range.to = 4;
    must_fail(spira_bus_read(subject->bus, &range, note, &none, &err), SPIRA_ENOTFOUND);
    range.partition = PARTITIONS;
    must_fail(spira_bus_read(subject->bus, &range, note, &none, &err), SPIRA_ENOTFOUND);
    cr_assert_str_eq(none.all, "");
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    handle(consumer, "a");
}

static enum spira_code keep_time(void *context, const struct spira_message *message,
                                 struct spira_error *err)
{
    (void)err;
    ((int64_t *)context)[message->offset] = message->timestamp_ms;
    return SPIRA_OK;
}

CONTRACT(event_bus, an_offset_is_found_by_its_time)
{
    for (int i = 0; i < 3; i++) {
        send_text(subject->bus, subject->topic, "k", "x");
        flush(subject->bus);
        spira_clock_sleep_ms(spira_clock_posix(), 5);
    }
    struct spira_offset_range range = range_of(subject);
    int64_t times[3] = {0}, offset = -1;
    must(spira_bus_read(subject->bus, &range, keep_time, times, &err));
    cr_assert(times[0] < times[1] && times[1] < times[2]);
    const int64_t cases[][2] = {
        {0, 0}, {times[0], 0}, {times[0] + 1, 1}, {times[2], 2}, {times[2] + 1, 3}};
    for (size_t i = 0; i < 5; i++) {
        must(spira_bus_offset_at(subject->bus, subject->topic, range.partition, cases[i][0],
                                 &offset, &err));
        cr_assert_eq(offset, cases[i][1], "time %jd", (intmax_t)cases[i][0]);
    }
    must_fail(spira_bus_offset_at(subject->bus, subject->topic, PARTITIONS, 0, &offset, &err),
              SPIRA_ENOTFOUND);
}

CONTRACT(event_bus, what_is_not_there_is_not_found)
{
    struct spira_message message = {.topic = "no.such.topic", .key = "k", .value = "x", .size = 1};
    struct spira_offset_range *ranges = NULL;
    size_t count = 7;
    const char *topics[] = {subject->topic, "no.such.topic"};
    struct spira_consumer consumer = {0};
    must_fail(spira_bus_send(subject->bus, &message, &err), SPIRA_ENOTFOUND);
    must_fail(spira_bus_ranges(subject->bus, "no.such.topic", &ranges, &count, &err),
              SPIRA_ENOTFOUND);
    must_fail(spira_bus_subscribe(subject->bus, "g", topics, 2, &consumer, &err), SPIRA_ENOTFOUND);
    cr_assert(!ranges && count == 7 && !consumer.ops);
    must(spira_bus_probe(subject->bus, &err));
}

CONTRACT(event_bus, a_topic_is_made_once_with_one_count_of_partitions)
{
    must(spira_bus_ensure_topic(subject->bus, subject->topic, PARTITIONS, &err));
    must_fail(spira_bus_ensure_topic(subject->bus, subject->topic, PARTITIONS + 1, &err),
              SPIRA_EINVALID);
    char name[SPIRA_TOPIC_MAX + 1];
    memset(name, 't', sizeof name);
    name[SPIRA_TOPIC_MAX] = '\0';
    must_fail(spira_bus_ensure_topic(subject->bus, name, 1, &err), SPIRA_EINVALID);
    must_fail(spira_bus_ensure_topic(subject->bus, "", 1, &err), SPIRA_EINVALID);
    must_fail(spira_bus_ensure_topic(subject->bus, "a/b", 1, &err), SPIRA_EINVALID);
    must_fail(spira_bus_ensure_topic(subject->bus, "contract.none", 0, &err), SPIRA_EINVALID);
}

enum { SENDERS = 3, EACH = 100 };

static void *send_many(void *context)
{
    struct event_bus_case *subject = context;
    for (int i = 0; i < EACH; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        send_text(subject->bus, subject->topic, key, key);
    }
    flush(subject->bus);
    return NULL;
}

CONTRACT(event_bus, threads_send_while_another_polls)
{
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    pthread_t senders[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        cr_assert_eq(pthread_create(&senders[i], NULL, send_many, subject), 0);
    int64_t last[PARTITIONS] = {-1, -1, -1, -1};
    for (int i = 0; i < SENDERS * EACH; i++) {
        const struct spira_message *message = next(consumer);
        cr_assert_eq(message->offset, ++last[message->partition]);
        spira_consumer_release(consumer, message);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i], NULL);
    cr_assert_null(next_within(consumer, QUIET_MS, NULL));
}
