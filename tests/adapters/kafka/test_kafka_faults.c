/* Errors of a cluster, played by librdkafka's mock of one. */
#include <librdkafka/rdkafka.h>

#include "tests/adapters/kafka/kafka_steps.h"

#include <librdkafka/rdkafka_mock.h>

enum { PRODUCE = 0, METADATA = 3, OFFSET_COMMIT = 8, OFFSET_FETCH = 9 }; /* Kafka's API keys */

struct mock {
    rd_kafka_t *client; /* whom the cluster belongs to */
    rd_kafka_mock_cluster_t *cluster;
    struct spira_event_bus bus;
};

/* One broker, with the topic "t" of one partition. */
static struct mock mock_start(void)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL); /* it connects to nothing, and says so */
    struct mock mock = {.client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why)};
    cr_assert(mock.client, "%s", why);
    mock.cluster = rd_kafka_mock_cluster_new(mock.client, 1);
    cr_assert_eq(rd_kafka_mock_topic_create(mock.cluster, "t", 1, 1), 0);
    mock.bus = open_bus(rd_kafka_mock_cluster_bootstraps(mock.cluster), NULL, NULL);
    return mock;
}

static void mock_end(struct mock *mock)
{
    spira_event_bus_done(&mock->bus);
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->client);
}

static void fail_times(struct mock *mock, int16_t request, int times, rd_kafka_resp_err_t error)
{
    for (int i = 0; i < times; i++)
        rd_kafka_mock_push_request_errors(mock->cluster, request, 1, error);
}

static int64_t committed(struct mock *mock, const char *group)
{
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    must(spira_bus_pending(mock->bus, group, "t", &ranges, &count, &err));
    int64_t from = ranges[0].from;
    free(ranges);
    return from;
}

/* A commit that fails in this way has this code, and positions tells what is committed. */
static void try_commit(rd_kafka_resp_err_t error, enum spira_code code)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    send_and_flush(mock.bus, "t", "k", "b");
    struct spira_consumer consumer = join(mock.bus, "g", "t");
    handle(consumer, "a");
    const struct spira_message *message = next(consumer);
    fail_times(&mock, OFFSET_COMMIT, 1, error);
    must_fail(spira_consumer_commit(consumer, message, &err), code,
              rd_kafka_mock_cluster_bootstraps(mock.cluster));
    struct spira_position position = only_position(consumer);
    cr_assert(position.next == 2 && position.committed == 1);
    spira_consumer_release(consumer, message);
    spira_consumer_done(&consumer);
    cr_assert_eq(committed(&mock, "g"), 1);
    mock_end(&mock);
}

Test(kafka_faults, a_commit_of_an_old_generation_is_a_conflict)
{
    try_commit(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, SPIRA_ECONFLICT);
    try_commit(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, SPIRA_ECONFLICT);
}

Test(kafka_faults, a_commit_during_a_rebalance_may_be_tried_again)
{
    try_commit(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, SPIRA_EUNREACHABLE);
}

Test(kafka_faults, a_commit_whose_answer_is_lost_may_have_happened, .timeout = 60)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    struct spira_consumer consumer = join(mock.bus, "g", "t");
    const struct spira_message *message = next(consumer);
    rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, 1, OFFSET_COMMIT, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, 7000);
    int64_t start = now_ms();
    must_fail(spira_consumer_commit(consumer, message, &err), SPIRA_EUNREACHABLE, "offset 1 of t");
    cr_assert_lt(now_ms() - start, 6500);
    cr_assert_null(next_within(consumer, 3000, NULL));
    cr_assert_eq(only_position(consumer).committed, 1); /* it has */
    must(spira_consumer_commit(consumer, message, &err));
    spira_consumer_release(consumer, message);
    spira_consumer_done(&consumer);
    mock_end(&mock);
}

Test(kafka_faults, an_assignment_waits_for_the_groups_offsets, .timeout = 60)
{
    struct mock mock = mock_start();
    for (int i = 0; i < 3; i++)
        send_and_flush(mock.bus, "t", "k", "abc");
    struct spira_consumer consumer = join(mock.bus, "g", "t");
    handle(consumer, "abc");
    spira_consumer_done(&consumer);
    consumer = join(mock.bus, "g", "t");
    fail_times(&mock, OFFSET_FETCH, 4, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    int complaints = 0;
    const struct spira_message *message = next_within(consumer, PATIENCE_MS, &complaints);
    cr_assert(message && message->offset == 1 && complaints > 0);
    cr_assert(spira_consumer_owns(consumer, "t", 0));
    struct spira_position position = only_position(consumer);
    cr_assert(position.next == 2 && position.committed == 1);
    spira_consumer_release(consumer, message);
    spira_consumer_done(&consumer);
    mock_end(&mock);
}

Test(kafka_faults, a_pause_holds_while_an_assignment_waits, .timeout = 60)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    struct spira_consumer consumer = join(mock.bus, "g", "t");
    spira_consumer_pause(consumer);
    fail_times(&mock, OFFSET_FETCH, 4, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    for (int64_t end = now_ms() + PATIENCE_MS; !spira_consumer_owns(consumer, "t", 0);) {
        cr_assert_lt(now_ms(), end);
        cr_assert_null(next_within(consumer, POLL_MS, NULL));
    }
    spira_consumer_resume(consumer);
    spira_consumer_pause(consumer);
    cr_assert_null(next_within(consumer, 6000, NULL));
    spira_consumer_resume(consumer);
    handle(consumer, "a");
    spira_consumer_done(&consumer);
    mock_end(&mock);
}

Test(kafka_faults, a_group_whose_coordinator_has_just_started_is_asked_again, .timeout = 60)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    struct spira_consumer consumer = join(mock.bus, "g", "t");
    handle(consumer, "a");
    spira_consumer_done(&consumer);
    fail_times(&mock, OFFSET_FETCH, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    struct spira_error err = {0};
    enum spira_code code = SPIRA_EUNREACHABLE;
    for (int64_t end = now_ms() + PATIENCE_MS; code == SPIRA_EUNREACHABLE && now_ms() < end;)
        code = spira_bus_pending(mock.bus, "g", "t", &ranges, &count, &err);
    cr_assert_eq(code, SPIRA_OK, "%s", err.message);
    cr_assert(count == 1 && ranges[0].from == 1 && ranges[0].to == 1);
    free(ranges);
    mock_end(&mock);
}

Test(kafka_faults, a_topic_that_a_broker_does_not_know_yet_is_waited_for)
{
    struct mock mock = mock_start();
    fail_times(&mock, METADATA, 3, RD_KAFKA_RESP_ERR__TRANSPORT);
    send_and_flush(mock.bus, "t", "k", "a");
    rd_kafka_mock_topic_set_error(mock.cluster, "late", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct spira_message message = {.topic = "late", .value = "x", .size = 1};
    must_fail(spira_bus_send(mock.bus, &message, &err), SPIRA_ENOTFOUND, "late");
    rd_kafka_mock_topic_set_error(mock.cluster, "late", RD_KAFKA_RESP_ERR_NO_ERROR);
    must(spira_bus_send(mock.bus, &message, &err));
    must(spira_bus_flush(mock.bus, PATIENCE_MS, &err));
    mock_end(&mock);
}

Test(kafka_faults, a_refused_message_is_told_by_the_flush_and_may_be_sent_again)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    fail_times(&mock, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    send_text(mock.bus, "t", "k", "b");
    must_fail(spira_bus_flush(mock.bus, PATIENCE_MS, &err), SPIRA_ETOOBIG, "topic t");
    must(spira_bus_flush(mock.bus, PATIENCE_MS, &err));
    send_and_flush(mock.bus, "t", "k", "c");
    mock_end(&mock);
}

Test(kafka_faults, a_message_that_may_not_be_sent_now_is_told_once)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    fail_times(&mock, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    send_text(mock.bus, "t", "k", "b");
    must_fail(spira_bus_flush(mock.bus, PATIENCE_MS, &err), SPIRA_EUNREACHABLE, "topic t");
    must(spira_bus_flush(mock.bus, PATIENCE_MS, &err)); /* it is gone */
    send_and_flush(mock.bus, "t", "k", "b");
    mock_end(&mock);
}

Test(kafka_faults, a_flush_that_is_too_short_is_tried_again)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    fail_times(&mock, PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    send_text(mock.bus, "t", "k", "b");
    must_fail(spira_bus_flush(mock.bus, 1, &err), SPIRA_ETIMEOUT, "acknowledged");
    must(spira_bus_flush(mock.bus, PATIENCE_MS, &err));
    mock_end(&mock);
}

Test(kafka_faults, a_producer_beyond_repair_is_a_bug)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    fail_times(&mock, PRODUCE, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    send_text(mock.bus, "t", "k", "b");
    must_fail(spira_bus_flush(mock.bus, PATIENCE_MS, &err), SPIRA_EBUG, "cannot go on");
    struct spira_message message = {.topic = "t", .value = "x", .size = 1};
    must_fail(spira_bus_send(mock.bus, &message, &err), SPIRA_EBUG, "cannot go on");
    mock_end(&mock);
}

Test(kafka_faults, a_bus_goes_on_when_its_broker_comes_back, .timeout = 100)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    struct spira_consumer consumer = join(mock.bus, "g", "t");
    handle(consumer, "a");
    rd_kafka_mock_broker_set_down(mock.cluster, 1);
    send_text(mock.bus, "t", "k", "b"); /* queued */
    must_fail(spira_bus_flush(mock.bus, 200, &err), SPIRA_ETIMEOUT, "1 messages");
    int complaints = 0;
    cr_assert_null(next_within(consumer, 2000, &complaints));
    cr_assert_gt(complaints, 0);
    rd_kafka_mock_broker_set_up(mock.cluster, 1);
    must(spira_bus_flush(mock.bus, PATIENCE_MS, &err));
    handle(consumer, "b");
    spira_consumer_done(&consumer);
    mock_end(&mock);
}

Test(kafka_faults, a_member_closes_in_time_with_a_commit_under_way_and_no_broker, .timeout = 60)
{
    struct mock mock = mock_start();
    send_and_flush(mock.bus, "t", "k", "a");
    struct spira_consumer consumer = join(mock.bus, "g", "t");
    const struct spira_message *message = next(consumer);
    rd_kafka_mock_broker_set_down(mock.cluster, 1);
    cr_assert_null(next_within(consumer, 500, NULL));
    must_fail(spira_consumer_commit(consumer, message, &err), SPIRA_EUNREACHABLE, "offset 1");
    spira_consumer_release(consumer, message);
    int64_t start = now_ms();
    spira_consumer_done(&consumer);
    spira_event_bus_done(&mock.bus);
    cr_assert_lt(now_ms() - start, 8000, "%jd ms", (intmax_t)(now_ms() - start));
    mock_end(&mock);
}
