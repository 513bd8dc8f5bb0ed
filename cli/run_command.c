/* spiractl run: asks the fleet for runs and looks at them. What starts and what lists has files of
 * its own. */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress_bars.h"
#include "cli/run_find.h"
#include "cli/run_follow.h"
#include "cli/run_output.h"
#include "cli/run_phase.h"
#include "cli/run_verbs.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/stop_signal.h"
#include "workers/common/run/run_object.h"

enum { CANCEL_TIMEOUT_MS = 10000, CANCEL_POLL_MS = 100 };

enum spira_code spira_run_timeout(const struct spira_arguments *arguments, int64_t *ret_timeout_ms,
                                  struct spira_error *err)
{
    int64_t seconds = -1;
    enum spira_code code =
        spira_argument_number(arguments, "timeout", 0, SPIRA_WAIT_MAX_SECONDS, -1, &seconds, err);
    *ret_timeout_ms = seconds < 0 ? -1 : 1000 * seconds;
    return code;
}

static void say(void *self, const char *text)
{
    spira_progress_bars_say(self, text);
}

int spira_run_wait(const struct spira_worker *worker, const char *run_id,
                   const struct spira_run_wait *how)
{
    spira_stop_signal_catch();
    const struct spira_progress stop = spira_stop_signal_progress();
    const struct spira_bars_look look = spira_bars_look_for(stderr, how->json, worker->clock, stop);
    struct spira_progress_bars *bars = spira_progress_bars_new(&look);
    const struct spira_step_watch watch = spira_progress_bars_watch(bars);
    const struct spira_run_follow follow = {
        .worker = worker,
        .run_id = run_id,
        .timeout_ms = how->timeout_ms,
        .watch = &watch,
        .stop = stop,
        .say = say,
        .say_self = bars,
    };
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    struct spira_error err;
    enum spira_code code = spira_run_follow(&follow, &run, &err);
    spira_progress_bars_free(bars);
    if (code == SPIRA_EINTERRUPTED && spira_stop_signal()) {
        fprintf(stderr, "spiractl: run %s goes on without being watched\n", run_id);
        return SPIRA_EXIT_SIGNAL + spira_stop_signal();
    }
    if (code != SPIRA_OK)
        return spira_report(&err);
    if (!run) {
        fprintf(stderr, "spiractl: run %s is not over yet\n", run_id);
        return SPIRA_EXIT_TIMED_OUT;
    }
    if (!how->quiet && how->json)
        spira_output_json(stdout, run);
    else if (!how->quiet)
        spira_run_print(stdout, run);
    fflush(stdout); /* before what stderr says of it */
    return spira_run_conclude(run);
}

/* Connects and finds the run that the operand names. Both are there to be ended in any case. */
static enum spira_code find(const struct spira_arguments *arguments, unsigned needs,
                            struct spira_fleet_connection *connection, struct spira_uuid *ret_run,
                            struct spira_error *err)
{
    enum spira_code code = spira_fleet_connect(arguments, connection, err);
    if (code == SPIRA_OK)
        code = spira_fleet_probe(&connection->worker, needs, err);
    return code == SPIRA_OK
               ? spira_run_find(&connection->worker, arguments->operands[0], ret_run, err)
               : code;
}

/* As far as the run is, for one that is not over. */
static void print_phase(const struct spira_worker *worker, const struct spira_value *run,
                        const struct spira_value *progress)
{
    struct spira_run_phase phase;
    spira_run_phase_read(worker->tools.json, run, progress, &phase);
    if (phase.ended == SPIRA_RUN_STEPS)
        return;
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_run_phase_text(&phase);
    spira_print_line(stdout, "under way", text);
}

/* Gives the run's object; the object of one that the run tracker has not met says it is pending. */
static enum spira_code get_object(const struct spira_worker *worker, const char *run_id,
                                  struct spira_value **ret_object, struct spira_error *err)
{
    struct spira_error why;
    enum spira_code code = spira_run_object(worker, run_id, ret_object, &why);
    if (code == SPIRA_ENOTFOUND) {
        *ret_object = spira_value_map();
        spira_value_set_text(*ret_object, "run_id", run_id);
        spira_value_set_text(*ret_object, "state", "pending");
        spira_value_set(*ret_object, "steps", spira_value_list());
        return SPIRA_OK;
    }
    if (code != SPIRA_OK)
        *err = why;
    return code;
}

static int run_show(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    struct spira_uuid run_id;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    const struct spira_worker *worker = &connection.worker;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *progress = NULL;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        find(arguments, SPIRA_NEED_BUS | SPIRA_NEED_STATE | SPIRA_NEED_STORE, &connection, &run_id,
             &err) != SPIRA_OK)
        return spira_report_usage(&err);
    if (get_object(worker, run_id.text, &object, &err) != SPIRA_OK)
        return spira_report(&err);
    if (json) {
        spira_output_json(stdout, object);
        return SPIRA_EXIT_SUCCESS;
    }
    spira_run_print(stdout, object);
    if (spira_run_is_over(spira_value_get_text(object, "state", "")))
        return SPIRA_EXIT_SUCCESS;
    if (spira_state_run(worker->state, run_id.text, &run, &err) != SPIRA_OK)
        return err.code == SPIRA_ENOTFOUND ? SPIRA_EXIT_SUCCESS : spira_report(&err);
    if (spira_state_progress(worker->state, run_id.text, &progress, &err) != SPIRA_OK)
        return spira_report(&err);
    print_phase(worker, run, progress);
    return SPIRA_EXIT_SUCCESS;
}

static int find_and_wait(const struct spira_arguments *arguments, const struct spira_run_wait *how)
{
    struct spira_error err;
    struct spira_uuid run_id;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    if (find(arguments, SPIRA_NEED_BUS | SPIRA_NEED_STATE | SPIRA_NEED_STORE, &connection, &run_id,
             &err) != SPIRA_OK)
        return spira_report_usage(&err);
    return spira_run_wait(&connection.worker, run_id.text, how);
}

static int run_watch(const struct spira_arguments *arguments)
{
    return find_and_wait(arguments, &(struct spira_run_wait){.timeout_ms = -1, .quiet = true});
}

static int run_wait(const struct spira_arguments *arguments)
{
    struct spira_run_wait how = {0};
    struct spira_error err;
    if (spira_output_is_json(arguments, &how.json, &err) != SPIRA_OK ||
        spira_run_timeout(arguments, &how.timeout_ms, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    return find_and_wait(arguments, &how);
}

/* Gives the state of the run, "pending" for one that the run tracker has not met. */
static enum spira_code get_state(const struct spira_worker *worker, const char *run_id,
                                 char **ret_state, struct spira_error *err)
{
    enum spira_code code = spira_state_field(worker->state, run_id, "state", ret_state, err);
    if (code == SPIRA_OK && !*ret_state)
        *ret_state = spira_copy_text("pending");
    return code;
}

static enum spira_code emit_cancel(const struct spira_worker *worker, const char *run_id,
                                   struct spira_error *err)
{
    struct spira_value *control = spira_value_map();
    spira_value_set_text(control, "run_id", run_id);
    spira_value_set_text(control, "action", "cancel");
    enum spira_code code = spira_event_emit(worker, "run.control", run_id, run_id, control, err);
    return code == SPIRA_OK ? spira_fleet_flush(worker, spira_stop_signal_progress(), err) : code;
}

/* Waits for a moment until the run is over; gives the last state that was seen. */
static enum spira_code await_end(const struct spira_worker *worker, const char *run_id,
                                 char **ret_state, struct spira_error *err)
{
    int64_t until_ms = spira_clock_monotonic_ms(worker->clock) + CANCEL_TIMEOUT_MS;
    for (;;) {
        enum spira_code code = get_state(worker, run_id, ret_state, err);
        if (code != SPIRA_OK || spira_run_is_over(*ret_state) ||
            spira_clock_monotonic_ms(worker->clock) >= until_ms)
            return code;
        if (spira_stop_signal())
            return spira_fail(err, SPIRA_EINTERRUPTED, "run %s: the fleet has been asked", run_id);
        free(*ret_state);
        *ret_state = NULL;
        spira_clock_sleep_ms(worker->clock, CANCEL_POLL_MS);
    }
}

/* Says what became of it and gives the exit code. */
static int conclude_cancel(const char *run_id, const char *state, bool json)
{
    if (json) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *answer = spira_value_map();
        spira_value_set_text(answer, "run_id", run_id);
        spira_value_set_text(answer, "state", state);
        spira_output_json(stdout, answer);
    } else {
        printf("run %s is %s\n", run_id, state);
    }
    fflush(stdout);
    if (strcmp(state, "canceled") == 0)
        return SPIRA_EXIT_SUCCESS;
    if (spira_run_is_over(state)) {
        fprintf(stderr, "spiractl: run %s was over before it could be canceled\n", run_id);
        return SPIRA_EXIT_FAILED;
    }
    fprintf(stderr,
            "spiractl: run %s: the fleet has not confirmed yet; it will when it gets to it\n",
            run_id);
    return SPIRA_EXIT_TIMED_OUT;
}

static int run_cancel(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    struct spira_uuid run_id;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    const struct spira_worker *worker = &connection.worker;
    SPIRA_CLEANUP(spira_free_at)
    char *before = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *state = NULL;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        find(arguments, SPIRA_NEED_BUS | SPIRA_NEED_STATE | SPIRA_NEED_STORE, &connection, &run_id,
             &err) != SPIRA_OK)
        return spira_report_usage(&err);
    spira_stop_signal_catch();
    enum spira_code code = get_state(worker, run_id.text, &before, &err);
    if (code == SPIRA_OK && spira_run_is_over(before))
        return conclude_cancel(run_id.text, before, json);
    if (code == SPIRA_OK)
        code = emit_cancel(worker, run_id.text, &err);
    if (code == SPIRA_OK)
        code = await_end(worker, run_id.text, &state, &err);
    return code == SPIRA_OK ? conclude_cancel(run_id.text, state, json) : spira_report(&err);
}

#define RUN_OPERAND .operand = "RUN", .operands_least = 1, .operands_most = 1
#define RUN_NAMES "RUN is a run's id, the beginning of one that no other has, or 'latest'.\n"

static const struct spira_option show_options[] = {
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTION_OUTPUT,
    {0},
};

static const struct spira_verb show = {
    .noun = "run",
    .name = "show",
    .sentence = "Shows a run: its state, steps, dataset, model and evaluation, as far as it is.",
    RUN_OPERAND,
    .options = show_options,
    .details = RUN_NAMES "With -o json the object that 'local run' prints.\n",
    .example = "spiractl run show latest",
    .run = run_show,
};

static const struct spira_option watch_options[] = {SPIRA_OPTIONS_SERVICES, {0}};

static const struct spira_verb watch = {
    .noun = "run",
    .name = "watch",
    .sentence = "Shows live how the steps of a run go, until it is over.",
    RUN_OPERAND,
    .options = watch_options,
    .details = RUN_NAMES "A bar for each step on stderr: shards, epoch, loss, time left. Ctrl-C "
                         "ends the\nwatching, not the run. Exit codes are those of 'run wait'.\n",
    .example = "spiractl run watch 0199b4c2",
    .run = run_watch,
};

static const struct spira_option wait_options[] = {
    SPIRA_OPTION_TIMEOUT,
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTION_OUTPUT,
    {0},
};

static const struct spira_verb wait_verb = {
    .noun = "run",
    .name = "wait",
    .sentence = "Waits until a run is over and shows it.",
    RUN_OPERAND,
    .options = wait_options,
    .details = RUN_NAMES
    "Exit code 0: a model was published; 1: the run failed; 4: the gate rejected its model;\n"
    "5: it was canceled; 124: it is not over yet. A service that goes away meanwhile is waited\n"
    "for. With -o json the object that 'local run' prints.\n",
    .example = "spiractl run wait latest --timeout 3600 -o json",
    .run = run_wait,
};

static const struct spira_verb cancel = {
    .noun = "run",
    .name = "cancel",
    .sentence = "Cancels a run.",
    RUN_OPERAND,
    .options = show_options,
    .details = RUN_NAMES
    "What it has computed is kept: a run that needs the same again goes on from there. Waits up\n"
    "to 10 seconds for the fleet to confirm (exit code 124: not yet). Exit code 1: the run was\n"
    "over already.\n",
    .example = "spiractl run cancel latest",
    .run = run_cancel,
};

const struct spira_noun spira_run_noun = {
    .name = "run",
    .sentence = "Runs of the fleet: from recordings to a published model.",
    .verbs = (const struct spira_verb *const[]){&spira_run_start_verb, &spira_run_list_verb, &show,
                                                &watch, &wait_verb, &cancel, NULL},
};
