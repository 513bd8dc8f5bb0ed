/* Where every event bus says a member and its group stand, and how a member goes elsewhere. */
#include "tests/contract/event_bus_case.h"

/* Lets a paused member poll until every partition is its own. */
static void settle_alone(struct event_bus_case *subject, struct spira_consumer consumer)
{
    spira_consumer_pause(consumer);
    settle(subject, consumer, PARTITIONS, consumer, PARTITIONS);
}

/* Where the consumer goes on in the one partition where something was sent. */
static struct spira_position position_of(struct spira_consumer consumer,
                                         const struct spira_offset_range *range)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_position *all = NULL;
    size_t count = 0;
    must(spira_consumer_positions(consumer, &all, &count, &err));
    struct spira_position found = {.partition = -1};
    for (size_t i = 0; i < count; i++) {
        cr_assert(spira_consumer_owns(consumer, all[i].topic, all[i].partition));
        if (strcmp(all[i].topic, range->topic) == 0 && all[i].partition == range->partition)
            found = all[i];
        else
            cr_assert(all[i].next == 0 && all[i].committed == 0);
    }
    return found;
}

static void expect_position(struct spira_consumer consumer, const struct spira_offset_range *range,
                            int64_t next_offset, int64_t committed)
{
    struct spira_position position = position_of(consumer, range);
    cr_assert(position.partition == range->partition && position.next == next_offset &&
                  position.committed == committed,
              "partition %d: goes on at %jd, %jd committed", (int)position.partition,
              (intmax_t)position.next, (intmax_t)position.committed);
}

static void send_abc(struct event_bus_case *subject)
{
    send_text(subject->bus, subject->topic, "k", "a");
    send_text(subject->bus, subject->topic, "k", "b");
    send_text(subject->bus, subject->topic, "k", "c");
    flush(subject->bus);
}

CONTRACT(event_bus, a_member_says_where_it_goes_on)
{
    send_abc(subject);
    struct spira_offset_range range = range_of(subject);
    struct spira_consumer consumer = join(subject);
    handle(consumer, "a");
    const struct spira_message *message = next(consumer);
    spira_consumer_release(consumer, message);
    expect_position(consumer, &range, 2, 1);
    spira_consumer_done(&consumer);
    consumer = join(subject); /* b was not committed */
    settle_alone(subject, consumer);
    expect_position(consumer, &range, 1, 1);
    spira_consumer_resume(consumer);
    handle(consumer, "b");
    expect_position(consumer, &range, 2, 2);
    spira_consumer_done(&consumer);
}

CONTRACT(event_bus, a_member_goes_back_and_ahead)
{
    send_abc(subject);
    struct spira_offset_range range = range_of(subject);
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    handle(consumer, "a");
    handle(consumer, "b");
    must(spira_consumer_seek(consumer, range.topic, range.partition, 0, &err));
    expect_position(consumer, &range, 0, 2);
    const struct spira_message *message = next(consumer);
    expect_text(message, "a");
    spira_consumer_release(consumer, message);
    must(spira_consumer_seek(consumer, range.topic, range.partition, 2, &err));
    handle(consumer, "c");
    expect_position(consumer, &range, 3, 3);
    must_fail(spira_consumer_seek(consumer, range.topic, range.partition, 4, &err),
              SPIRA_ENOTFOUND);
    must_fail(spira_consumer_seek(consumer, range.topic, PARTITIONS, 0, &err), SPIRA_ECONFLICT);
    expect_position(consumer, &range, 3, 3);
}

CONTRACT(event_bus, a_paused_member_goes_back_when_it_resumes)
{
    send_abc(subject);
    struct spira_offset_range range = range_of(subject);
    SPIRA_CLEANUP(spira_consumer_done)
    struct spira_consumer consumer = join(subject);
    handle(consumer, "a");
    spira_consumer_pause(consumer);
    must(spira_consumer_seek(consumer, range.topic, range.partition, 0, &err));
    cr_assert_null(next_within(consumer, QUIET_MS, NULL));
    expect_position(consumer, &range, 0, 1);
    spira_consumer_resume(consumer);
    handle(consumer, "a");
    must(spira_consumer_seek(consumer, range.topic, range.partition, 2, &err));
    spira_consumer_pause(consumer);
    cr_assert_null(next_within(consumer, QUIET_MS, NULL));
    spira_consumer_resume(consumer);
    handle(consumer, "c");
}

static int64_t count_pending(struct event_bus_case *subject, const char *group, int64_t *ret_from)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    must(spira_bus_pending(subject->bus, group, subject->topic, &ranges, &count, &err));
    cr_assert_eq(count, PARTITIONS);
    int64_t messages = 0;
    *ret_from = 0;
    for (size_t i = 0; i < count; i++) {
        cr_assert_str_eq(ranges[i].topic, subject->topic);
        cr_assert_eq(ranges[i].partition, (int32_t)i);
        messages += ranges[i].to - ranges[i].from;
        *ret_from += ranges[i].from;
    }
    return messages;
}

CONTRACT(event_bus, what_a_group_has_not_committed_is_pending)
{
    int64_t from = -1;
    send_abc(subject);
    cr_assert_eq(count_pending(subject, "nobody.joined", &from), 3);
    cr_assert_eq(from, 0);
    struct spira_consumer consumer = join(subject);
    handle(consumer, "a");
    const struct spira_message *message = next(consumer);
    spira_consumer_release(consumer, message);
    cr_assert_eq(count_pending(subject, subject->group, &from), 2);
    cr_assert_eq(from, 1);
    spira_consumer_done(&consumer); /* and without a member */
    cr_assert_eq(count_pending(subject, subject->group, &from), 2);
    cr_assert_eq(count_pending(subject, "nobody.joined", &from), 3);
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    must_fail(
        spira_bus_pending(subject->bus, subject->group, "no.such.topic", &ranges, &count, &err),
        SPIRA_ENOTFOUND);
}
