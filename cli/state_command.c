/* spiractl state: the run state in Redis, which the events can make anew. */
#include <unistd.h>

#include "cli/commands.h"
#include "cli/fleet_connection.h"
#include "cli/output.h"
#include "cli/state_check.h"
#include "core/base/text.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/stop_signal.h"
#include "workers/common/wiring.h"

enum { PATIENCE_MS = 5000, REDRAW_MS = 100 };

/* A line on a terminal that counts the events. */
struct counting {
    bool live;
    struct spira_clock clock;
    struct spira_progress stop;
    int64_t drawn_ms;
};

static void report(void *self, const struct spira_progress_report *report)
{
    struct counting *counting = self;
    int64_t now = spira_clock_monotonic_ms(counting->clock);
    if (!counting->live || now - counting->drawn_ms < REDRAW_MS)
        return;
    counting->drawn_ms = now;
    fprintf(stderr, "\r%zu of %zu events\x1b[K", report->done, report->total);
}

static bool stop_wanted(void *self)
{
    const struct counting *counting = self;
    return spira_progress_stop_wanted(counting->stop);
}

static void counting_done(struct counting *counting)
{
    if (counting->live)
        fputs("\r\x1b[K", stderr);
    counting->live = false;
}

static const struct spira_progress_ops counting_ops = {report, stop_wanted};

static struct spira_value *count_object(const struct spira_replay_counts *counts, size_t runs)
{
    struct spira_value *object = spira_value_map();
    spira_value_set_int(object, "events", (int64_t)counts->events);
    spira_value_set_int(object, "unreadable", (int64_t)counts->unreadable);
    spira_value_set_int(object, "expired", (int64_t)counts->expired);
    spira_value_set_int(object, "runs", (int64_t)runs);
    return object;
}

static void print_counts(const char *done, const struct spira_replay_counts *counts, size_t runs)
{
    printf("%s: %zu events, %zu runs\n", done, counts->events, runs);
    if (counts->unreadable)
        printf("%zu of the events are unreadable and were passed over\n", counts->unreadable);
    if (counts->expired)
        printf("%zu events expired before: what they said is missing\n", counts->expired);
}

static enum spira_code rebuild(const struct spira_worker *worker, struct counting *counting,
                               bool json, struct spira_error *err)
{
    struct spira_replay_counts counts = {0};
    size_t runs = 0;
    enum spira_code code = spira_state_clear(worker->state, err);
    if (code == SPIRA_OK)
        code = spira_run_tracker_replay(worker, (struct spira_progress){&counting_ops, counting},
                                        &counts, err);
    if (code == SPIRA_OK)
        code = spira_state_count_runs(worker->state, &runs, err);
    counting_done(counting);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = count_object(&counts, runs);
    if (json)
        spira_output_json(stdout, object);
    else
        print_counts("rebuilt", &counts, runs);
    return SPIRA_OK;
}

static void print_check(const struct spira_state_check *check, bool json)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = count_object(&check->counts, check->runs);
    if (json) {
        spira_value_set(object, "differences", spira_value_copy(check->differences));
        spira_output_json(stdout, object);
        return;
    }
    size_t count = spira_value_count(check->differences);
    for (size_t i = 0; i < count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *text =
            spira_copy_text(spira_value_as_text(spira_value_at(check->differences, i), ""));
        spira_text_tame(text, "");
        printf("%s\n", text);
    }
    print_counts(count ? "not equal" : "equal", &check->counts, check->runs);
}

static enum spira_code check_state(const struct spira_worker *worker, struct counting *counting,
                                   bool json, bool *ret_equal, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_run_state_done)
    struct spira_run_state fresh = spira_wire_memory_state(worker->clock);
    SPIRA_CLEANUP(spira_state_check_done)
    struct spira_state_check check = {0};
    enum spira_code code = spira_state_compare(
        worker, fresh, PATIENCE_MS, (struct spira_progress){&counting_ops, counting}, &check, err);
    counting_done(counting);
    if (code != SPIRA_OK)
        return code;
    print_check(&check, json);
    *ret_equal = spira_value_count(check.differences) == 0;
    return SPIRA_OK;
}

/* What was applied stays; the run tracker applies the rest. */
static int report_stop(const struct spira_error *err)
{
    (void)spira_report(err);
    return SPIRA_EXIT_SIGNAL + spira_stop_signal();
}

static int run_rebuild(const struct spira_arguments *arguments)
{
    bool json = false, equal = true;
    struct spira_error err;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    const struct spira_worker *worker = &connection.worker;
    enum spira_code code = spira_output_is_json(arguments, &json, &err);
    if (code == SPIRA_OK)
        code = spira_fleet_connect(arguments, &connection, &err);
    if (code != SPIRA_OK)
        return spira_report_usage(&err);
    spira_stop_signal_catch();
    struct counting counting = {.live = isatty(STDERR_FILENO) == 1,
                                .clock = worker->clock,
                                .stop = spira_stop_signal_progress()};
    code = spira_fleet_probe(worker, SPIRA_NEED_BUS | SPIRA_NEED_STATE, &err);
    if (code == SPIRA_OK)
        code = spira_argument(arguments, "check")
                   ? check_state(worker, &counting, json, &equal, &err)
                   : rebuild(worker, &counting, json, &err);
    if (code == SPIRA_EINTERRUPTED && spira_stop_signal())
        return report_stop(&err);
    if (code != SPIRA_OK)
        return spira_report(&err);
    return equal ? SPIRA_EXIT_SUCCESS : SPIRA_EXIT_FAILED;
}

static const struct spira_option rebuild_options[] = {
    {"check", NULL, "change nothing: compare the state with what the events make", 0, false, false},
    SPIRA_OPTION_OUTPUT,
    SPIRA_OPTIONS_SERVICES,
    {0}};

static const struct spira_verb rebuild_verb = {
    .noun = "state",
    .name = "rebuild",
    .sentence = "Makes the state of every run anew from the events in Kafka.",
    .options = rebuild_options,
    .details = "The run tracker does so by itself when Redis lost the state; it may stay at work\n"
               "meanwhile. No event is sent. With --check the exit code is 1 when the state and\n"
               "the events differ.\n",
    .example = "spiractl state rebuild --check",
    .run = run_rebuild,
};

const struct spira_noun spira_state_noun = {
    .name = "state",
    .sentence = "The state of runs, kept in Redis and made from the events.",
    .verbs = (const struct spira_verb *const[]){&rebuild_verb, NULL},
};
