/* The run tracker on the brokers that SPIRA_KAFKA names: what no bus in memory has. */
#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <time.h>
#include <unistd.h>

#include "adapters/kafka/event_bus_kafka.h"
#include "adapters/posix/clock_posix.h"
#include "tests/workers/fixture.h"
#include "workers/common/loop/dead_letter.h"
#include "workers/common/loop/loop.h"
#include "workers/run_tracker/run_tracker.h"
#include "workers/run_tracker/tracker_handler.h"

enum { PATIENCE_MS = 60000, ANSWER_MS = 10000 };

static struct fixture fixture;
static struct spira_worker_metrics metrics;
static const char *servers;
static char prefix[64];
static int64_t until_ms; /* the loop's stop is wanted then */
static struct spira_error err;

static bool stop_wanted(void *self)
{
    (void)self;
    return spira_clock_monotonic_ms(fixture.worker.clock) >= until_ms;
}

static void report_nothing(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

static const struct spira_progress_ops stop_ops = {report_nothing, stop_wanted};

static void ensure(const char *event, const char *suffix)
{
    char topic[SPIRA_TOPIC_MAX];
    snprintf(topic, sizeof topic, "%s%s%s", prefix, event, suffix);
    cr_assert_eq(spira_bus_ensure_topic(fixture.worker.bus, topic, 1, &err), SPIRA_OK, "%s",
                 err.message);
}

static void start(void)
{
    servers = getenv("SPIRA_KAFKA");
    if (!servers) {
        fputs("SPIRA_KAFKA is not set\n", stderr); /* by which ctest knows */
        cr_skip("SPIRA_KAFKA is not set");
    }
    snprintf(prefix, sizeof prefix, "tracker-test.%d-%jd.", (int)getpid(), (intmax_t)time(NULL));
    fixture_init(&fixture);
    spira_event_bus_done(&fixture.worker.bus);
    const struct spira_kafka_settings settings = {.bootstrap_servers = servers};
    cr_assert_eq(spira_event_bus_kafka(&settings, &fixture.worker.bus, &err), SPIRA_OK);
    fixture.worker.clock = spira_clock_posix();
    fixture.worker.topic_prefix = prefix;
    spira_worker_metrics_init(&metrics, fixture.worker.clock);
    size_t count;
    const char *const *events = spira_run_tracker_events(&count);
    for (size_t i = 0; i < count; i++)
        ensure(events[i], "");
    ensure("run.requested", SPIRA_DEAD_LETTER_SUFFIX);
}

static void end(void)
{
    spira_worker_metrics_done(&metrics);
    fixture_done(&fixture);
}

/* Where what may be read of the topic's one partition ends: before a transaction that is open. */
static int64_t end_of(rd_kafka_t *client, const char *topic)
{
    int64_t low = 0, high = 0;
    cr_assert_eq(rd_kafka_query_watermark_offsets(client, topic, 0, &low, &high, ANSWER_MS), 0);
    return high;
}

/* What another program sent and took back: offsets without a message, of what it sent and of the
 * end of its transaction. The broker writes that a little after it has answered. */
static void abort_transaction(const char *topic)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", servers, why, sizeof why);
    rd_kafka_conf_set(conf, "transactional.id", prefix, why, sizeof why);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    cr_assert(producer, "%s", why);
    cr_assert_null(rd_kafka_init_transactions(producer, ANSWER_MS));
    cr_assert_null(rd_kafka_begin_transaction(producer));
    cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic),
                                   RD_KAFKA_V_VALUE((void *)"x", 1), RD_KAFKA_V_END),
                 0);
    cr_assert_eq(rd_kafka_flush(producer, ANSWER_MS), 0);
    int64_t before = end_of(producer, topic);
    cr_assert_null(rd_kafka_abort_transaction(producer, ANSWER_MS));
    int64_t until = spira_clock_monotonic_ms(fixture.worker.clock) + PATIENCE_MS;
    while (end_of(producer, topic) == before &&
           spira_clock_monotonic_ms(fixture.worker.clock) < until)
        usleep(20 * 1000);
    cr_assert_gt(end_of(producer, topic), before);
    rd_kafka_destroy(producer);
}

static void request(const char *run_id)
{
    struct spira_value *value = fixture_value(
        "{'name': 'small', 'manifest': {'key': 'm', 'sha256': "
        "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'bytes': 0}}");
    cr_assert_eq(spira_run_event_emit(&fixture.worker, "run.requested", run_id, value, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_bus_flush(fixture.worker.bus, ANSWER_MS, &err), SPIRA_OK);
}

Test(tracker_kafka, offsets_that_hold_no_message_are_passed_over, .timeout = 120)
{
    start();
    char topic[SPIRA_TOPIC_MAX];
    snprintf(topic, sizeof topic, "%srun.requested", prefix);
    request("01890a5d-ac96-774b-bcce-b302099a8057");
    abort_transaction(topic);
    request("01890a5d-ac96-774b-bcce-b302099a8058");
    struct spira_handler handler;
    spira_tracker_handler(&fixture.worker, &handler);
    char *group = spira_format("%srun_tracker", prefix);
    const struct spira_loop loop = {.worker = &fixture.worker,
                                    .handler = &handler,
                                    .metrics = &metrics,
                                    .stop = {.ops = &stop_ops},
                                    .group = group,
                                    .once = true};
    until_ms = spira_clock_monotonic_ms(fixture.worker.clock) + PATIENCE_MS;
    cr_assert_eq(spira_loop_run(&loop, &err), SPIRA_OK, "%s", err.message);
    cr_assert_not(stop_wanted(NULL), "it goes round for ever");
    char *state = NULL;
    cr_assert_eq(spira_state_field(fixture.worker.state, "01890a5d-ac96-774b-bcce-b302099a8058",
                                   "state", &state, &err),
                 SPIRA_OK);
    cr_assert(state && strcmp(state, "pending") == 0);
    free(state);
    free(group);
    end();
}
