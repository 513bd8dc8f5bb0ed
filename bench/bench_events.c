#include <stdatomic.h>
#include <unistd.h>

#include "bench/bench.h"
#include "workers/common/loop/loop.h"
#include "workers/common/run/topics.h"
#include "workers/common/wiring.h"
#include "workers/run_tracker/tracker_handler.h"

/* Each run asks for its shards; all of them but one are computed, so that no dataset can be put
 * together; and a model is trained all the same. */
enum { RUNS = 20, SHARDS = 50, EVENTS_PER_RUN = 2 * SHARDS, EVENTS = RUNS * EVENTS_PER_RUN };
enum { PARTITIONS = 4 };

/* Topics, groups and keys that are nobody else's: what is in Redis under it is cleared. */
#define PREFIX "spira-bench."

/* A run tracker that stops behind the last event. */
struct follower {
    struct spira_settings settings;
    struct spira_worker worker;
    struct spira_worker_metrics metrics;
    struct spira_handler tracker;
    size_t handled;
    double began, ended; /* when the first and the last event came in hand */
    atomic_bool stop;
};

static void connect_worker(struct follower *follower)
{
    static const struct spira_option options[] = {SPIRA_OPTIONS_SERVICES, {.name = NULL}};
    static const struct spira_verb verb = {.program = "spira-bench", .options = options};
    char *const words[] = {"--topic-prefix", PREFIX, "--store", "."};
    struct spira_error err;
    SPIRA_CLEANUP(spira_arguments_done)
    struct spira_arguments arguments = {0};
    SPIRA_BENCH_MUST(
        spira_arguments_parse(&verb, sizeof words / sizeof *words, words, &arguments, &err), &err);
    SPIRA_BENCH_MUST(spira_settings_read(&arguments, &follower->settings, &err), &err);
    SPIRA_BENCH_MUST(
        spira_wire_fleet(&follower->settings, "run_tracker", 1, &follower->worker, &err), &err);
}

static enum spira_code ensure(void *context, const char *topic, int32_t partitions,
                              struct spira_error *err)
{
    const struct spira_worker *worker = context;
    return spira_bus_ensure_topic(worker->bus, topic, partitions, err);
}

/* A reference to an object that nobody looks for. */
static void set_reference(struct spira_value *fields, const char *name, const char *kind,
                          size_t index)
{
    SPIRA_CLEANUP(spira_free_at)
    char *digest = spira_format("%064zx", index);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%s/%s/artifact.json", kind, digest);
    spira_value_set(fields, name, spira_reference(key, digest, index));
}

/* The event of this index of a run. */
static void emit(const struct spira_worker *worker, size_t run, size_t index)
{
    bool trained = index == EVENTS_PER_RUN - 1, requested = index < SHARDS;
    struct spira_value *fields = spira_value_map();
    if (trained) {
        set_reference(fields, "dataset", "dataset", run);
    } else {
        spira_value_set_int(fields, "shard", (int64_t)(index % SHARDS));
        spira_value_set_int(fields, "shards", SHARDS);
        set_reference(fields, "plan", "features", run);
    }
    if (!requested) {
        set_reference(fields, "artifact", trained ? "models" : "features", index);
        struct spira_value *execution = spira_value_set(fields, SPIRA_EXECUTION, spira_value_map());
        spira_value_set_text(execution, "status", "succeeded");
        spira_value_set_real(execution, "seconds", 1.25);
    }
    SPIRA_CLEANUP(spira_free_at)
    char *run_id = spira_format("01890a5d-ac96-774b-bcce-%012zx", run);
    struct spira_error err;
    SPIRA_BENCH_MUST(spira_run_event_emit(worker,
                                          trained     ? "model.trained"
                                          : requested ? "features.requested"
                                                      : "features.computed",
                                          run_id, fields, &err),
                     &err);
}

/* What both sides follow; it is there after the first measurement. */
static void make_events(struct spira_worker *worker)
{
    static bool made;
    struct spira_error err;
    if (made)
        return;
    SPIRA_BENCH_MUST(spira_topics_visit(worker, false, PARTITIONS, ensure, worker, &err), &err);
    for (size_t index = 0; index < EVENTS_PER_RUN; index++)
        for (size_t run = 0; run < RUNS; run++)
            emit(worker, run, index);
    SPIRA_BENCH_MUST(spira_events_flush(worker, (struct spira_progress){0}, &err), &err);
    made = true;
}

static enum spira_code handle(void *self, const struct spira_message *message,
                              struct spira_progress progress, struct spira_handled *ret_handled,
                              struct spira_error *err)
{
    struct follower *follower = self;
    if (follower->handled++ == 0)
        follower->began = spira_bench_now();
    bool last = follower->handled == EVENTS;
    if (last)
        follower->ended = spira_bench_now();
    enum spira_code code =
        follower->tracker.handle(follower->tracker.self, message, progress, ret_handled, err);
    if (code != SPIRA_OK)
        spira_bench_stop(err->message);
    if (ret_handled->rewind)
        spira_bench_stop("the events do not follow one another");
    atomic_store(&follower->stop, last);
    return code;
}

static bool stop_wanted(void *self)
{
    struct follower *follower = self;
    return atomic_load(&follower->stop);
}

double spira_bench_events(size_t threads)
{
    (void)threads; /* a worker's loop is what it is */
    static const struct spira_progress_ops stop = {.stop_wanted = stop_wanted};
    static unsigned measurement;
    struct follower follower = {0};
    struct spira_error err;
    connect_worker(&follower);
    make_events(&follower.worker);
    SPIRA_BENCH_MUST(spira_state_clear(follower.worker.state, &err), &err);
    spira_worker_metrics_init(&follower.metrics, follower.worker.clock);
    spira_tracker_handler(&follower.worker, &follower.tracker);
    struct spira_handler handler = follower.tracker;
    handler.handle = handle;
    handler.idle = NULL;
    handler.self = &follower;
    SPIRA_CLEANUP(spira_free_at)
    char *group = spira_format(PREFIX "ours.%ld.%u", (long)getpid(), measurement++);
    const struct spira_loop loop = {.worker = &follower.worker,
                                    .handler = &handler,
                                    .metrics = &follower.metrics,
                                    .stop = {.ops = &stop, .self = &follower},
                                    .group = group};
    SPIRA_BENCH_MUST(spira_loop_run(&loop, &err), &err);
    spira_worker_metrics_done(&follower.metrics);
    spira_worker_done(&follower.worker);
    spira_settings_done(&follower.settings);
    return (EVENTS - 1) / (follower.ended - follower.began);
}
