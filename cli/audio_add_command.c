/* spiractl audio add. */
#include <math.h>

#include "cli/audio_prepare.h"
#include "cli/audio_verbs.h"
#include "cli/collection.h"
#include "cli/intake_wait.h"
#include "cli/output.h"
#include "cli/progress_bars.h"
#include "cli/recordings_csv.h"
#include "cli/run_verbs.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/stop_signal.h"
#include "workers/common/wiring.h"

enum { POLL_MS = 200, ABSENT_SHOWN = 5 };

/* One call of the command. */
struct adding {
    const struct spira_arguments *arguments;
    struct spira_fleet_connection connection;
    bool json, wait;
    int64_t timeout_ms;
    struct spira_value *rows, *files, *absent;
    struct spira_value *events; /* all of them, in their order */
    struct spira_intake_wait intake;
    struct spira_progress_bars *bars;
    struct spira_step_watch watch;
    struct spira_progress stop;
};

static void adding_done(struct adding *adding)
{
    spira_progress_bars_free(adding->bars);
    spira_intake_wait_done(&adding->intake);
    spira_value_free(adding->rows);
    spira_value_free(adding->files);
    spira_value_free(adding->absent);
    spira_value_free(adding->events);
    spira_fleet_disconnect(&adding->connection);
}

static enum spira_code check(const struct spira_arguments *arguments, struct spira_error *err)
{
    bool csv = spira_argument(arguments, "csv"), noise = spira_argument(arguments, "noise");
    bool files = arguments->operand_count > 0;
    if (!csv && !noise && !files)
        return spira_fail(err, SPIRA_EINVALID,
                          "audio add: nothing to add: give FILE, --csv or "
                          "--noise; see 'spiractl audio add --help'");
    if ((csv || noise) && !spira_argument(arguments, "root"))
        return spira_fail(err, SPIRA_EINVALID,
                          "audio add: --csv and --noise need --root, the folder that their paths "
                          "are relative to");
    if (files && !spira_argument(arguments, "label"))
        return spira_fail(err, SPIRA_EINVALID,
                          "audio add: a FILE needs --label: 0 for a control, 1 for a patient");
    if (!files && (spira_argument(arguments, "label") || spira_argument(arguments, "patient")))
        return spira_fail(err, SPIRA_EINVALID,
                          "audio add: --label and --patient go with FILE; a CSV has its own");
    if (spira_argument(arguments, "timeout") && !spira_argument(arguments, "wait"))
        return spira_fail(err, SPIRA_EINVALID, "audio add: --timeout goes with --wait");
    return SPIRA_OK;
}

/* The events of the operands, all with the same label and patient. */
static enum spira_code read_files(const struct spira_arguments *arguments, struct adding *adding,
                                  struct spira_error *err)
{
    int64_t label = 0;
    const char *patient = spira_argument(arguments, "patient");
    enum spira_code code = spira_argument_number(arguments, "label", 0, 1, 0, &label, err);
    adding->files = spira_value_list();
    for (size_t i = 0; i < arguments->operand_count; i++) {
        struct spira_value *event = spira_value_append(adding->files, spira_value_map());
        spira_value_set_text(event, "recording_id", arguments->operands[i]);
        spira_value_set_text(event, "uri", arguments->operands[i]);
        spira_value_set_text(event, "role", "speech");
        spira_value_set_int(event, "label", label);
        if (patient)
            spira_value_set_text(event, "patient", patient);
    }
    return code;
}

/* Adds copies of what a list has to the end of another. */
static void append_copies(struct spira_value *to, const struct spira_value *list)
{
    for (size_t i = 0; i < spira_value_count(list); i++)
        spira_value_append(to, spira_value_copy(spira_value_at(list, i)));
}

/* The events of the CSV files: what is wrong in them is found before anything is done. */
static enum spira_code read_rows(const struct spira_arguments *arguments, struct adding *adding,
                                 struct spira_error *err)
{
    const char *csv = spira_argument(arguments, "csv"), *noise = spira_argument(arguments, "noise");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *noises = NULL;
    enum spira_code code = SPIRA_OK;
    if (csv)
        code = spira_recordings_csv(csv, &adding->rows, err);
    else
        adding->rows = spira_value_list();
    if (code == SPIRA_OK && noise)
        code = spira_noises_csv(noise, &noises, err);
    if (code == SPIRA_OK)
        append_copies(adding->rows, noises);
    return code;
}

static enum spira_code begin(const struct spira_arguments *arguments, struct adding *adding,
                             struct spira_error *err)
{
    adding->wait = spira_argument(arguments, "wait") != NULL;
    enum spira_code code = check(arguments, err);
    if (code == SPIRA_OK)
        code = spira_output_is_json(arguments, &adding->json, err);
    if (code == SPIRA_OK)
        code = spira_run_timeout(arguments, &adding->timeout_ms, err);
    if (code == SPIRA_OK)
        code = read_rows(arguments, adding, err);
    if (code == SPIRA_OK)
        code = read_files(arguments, adding, err);
    if (code == SPIRA_OK)
        code = spira_fleet_connect(arguments, &adding->connection, err);
    if (code == SPIRA_OK)
        code = spira_wire_inbox(&adding->connection.settings, &adding->connection.worker, err);
    return code == SPIRA_OK ? spira_fleet_probe(&adding->connection.worker, SPIRA_NEED_BUS, err)
                            : code;
}

/* Shows a step while it is done, and how it ended. */
static struct spira_progress show(struct adding *adding, const char *step, int64_t *ret_begun_ms)
{
    *ret_begun_ms = spira_clock_monotonic_ms(adding->connection.worker.clock);
    return adding->watch.begin(adding->watch.self, step);
}

static void end(struct adding *adding, const char *step, int64_t begun_ms, const char *status)
{
    int64_t now_ms = spira_clock_monotonic_ms(adding->connection.worker.clock);
    adding->watch.end(adding->watch.self, step, status, (double)(now_ms - begun_ms) / 1000);
}

static enum spira_code prepare(struct adding *adding, struct spira_error *err)
{
    int64_t begun_ms;
    const struct spira_audio_prepare job = {
        .worker = &adding->connection.worker,
        .root = spira_argument(adding->arguments, "root"),
        .rows = adding->rows,
        .files = adding->files,
        .progress = show(adding, "collecting", &begun_ms),
    };
    enum spira_code code = spira_audio_prepare(&job, &adding->absent, err);
    end(adding, "collecting", begun_ms,
        code == SPIRA_OK             ? "succeeded"
        : code == SPIRA_EINTERRUPTED ? "canceled"
                                     : "failed");
    const size_t absent = spira_value_count(adding->absent);
    for (size_t i = 0; i < absent && i < ABSENT_SHOWN; i++)
        spira_progress_bars_say(
            adding->bars, spira_value_get_text(spira_value_at(adding->absent, i), "message", ""));
    if (absent) {
        SPIRA_CLEANUP(spira_free_at)
        char *text = spira_format("%zu of %zu recordings cannot be had: they will be quarantined",
                                  absent, spira_value_count(adding->rows));
        spira_progress_bars_say(adding->bars, text);
    }
    return code;
}

static enum spira_code send_all(struct adding *adding, struct spira_error *err)
{
    const struct spira_worker *worker = &adding->connection.worker;
    int64_t last_ms = 0;
    adding->events = spira_value_list();
    append_copies(adding->events, adding->rows);
    append_copies(adding->events, adding->files);
    spira_collection_date(worker, adding->events, &last_ms);
    enum spira_code code = SPIRA_OK;
    if (adding->wait)
        code = spira_intake_wait_begin(worker, adding->events, &adding->intake, err);
    if (code == SPIRA_OK)
        code = spira_collection_emit(worker, adding->events, err);
    if (code == SPIRA_OK)
        code = spira_fleet_flush(worker, adding->stop, err);
    /* Whoever adds the same recordings next is later than this. */
    while (code == SPIRA_OK && spira_clock_now_ms(worker->clock) <= last_ms)
        spira_clock_sleep_ms(worker->clock, 1);
    return code;
}

/* Looks until all are settled, the time is up or a signal came. */
static enum spira_code await(struct adding *adding, struct spira_progress progress,
                             struct spira_error *err)
{
    const struct spira_worker *worker = &adding->connection.worker;
    const int64_t begun_ms = spira_clock_monotonic_ms(worker->clock);
    struct spira_intake_wait *intake = &adding->intake;
    struct spira_progress_report report = {
        .total = intake->count, .loss = NAN, .validation_loss = NAN};
    bool away = false;
    for (;;) {
        enum spira_code code = spira_intake_wait_look(intake, err);
        bool was_away = away;
        away = code == SPIRA_EUNREACHABLE || code == SPIRA_ETIMEOUT;
        if (away && !was_away) {
            SPIRA_CLEANUP(spira_free_at)
            char *text = spira_format("%s; still waiting", err->message);
            spira_progress_bars_say(adding->bars, text);
        }
        if (code != SPIRA_OK && !away)
            return code;
        report.done = intake->settled;
        spira_progress_report(progress, &report);
        if (intake->settled == intake->count)
            return SPIRA_OK;
        if (spira_progress_stop_wanted(progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped waiting; the recordings are sent");
        int64_t gone_ms = spira_clock_monotonic_ms(worker->clock) - begun_ms;
        if (adding->timeout_ms >= 0 && gone_ms >= adding->timeout_ms)
            return SPIRA_OK;
        spira_clock_sleep_ms(worker->clock, POLL_MS);
    }
}

static enum spira_code await_intake(struct adding *adding, struct spira_error *err)
{
    int64_t begun_ms;
    struct spira_progress progress = show(adding, "audio_intake", &begun_ms);
    enum spira_code code = await(adding, progress, err);
    if (adding->intake.settled == adding->intake.count)
        end(adding, "audio_intake", begun_ms,
            spira_value_count(adding->intake.failed) ? "failed" : "succeeded");
    return code;
}

static void print_notes(const struct adding *adding)
{
    static const char *const headings[] = {"RECORDING", "REASON", "WHY"};
    const struct spira_value *lists[] = {adding->intake.rejected, adding->intake.failed};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < spira_value_count(lists[l]); i++) {
            const struct spira_value *note = spira_value_at(lists[l], i);
            spira_table_add(&table,
                            spira_copy_text(spira_value_get_text(note, "recording_id", "")));
            spira_table_add(&table, spira_copy_text(spira_value_get_text(note, "reason", "")));
            spira_table_add(&table, spira_copy_text(spira_value_get_text(note, "message", "")));
        }
    if (table.count > table.columns) {
        printf("\n");
        spira_table_print(stdout, &table);
    }
}

static void print_number(const char *name, size_t number)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("%zu", number);
    spira_print_line(stdout, name, text);
}

static void print_table(const struct adding *adding)
{
    const struct spira_intake_wait *intake = &adding->intake;
    print_number("added", spira_value_count(adding->events));
    if (!adding->wait)
        return;
    print_number("accepted", intake->accepted);
    print_number("rejected", spira_value_count(intake->rejected));
    if (spira_value_count(intake->failed))
        print_number("failed", spira_value_count(intake->failed));
    if (intake->settled < intake->count)
        print_number("pending", intake->count - intake->settled);
    print_notes(adding);
}

static void print_json(const struct adding *adding)
{
    const struct spira_intake_wait *intake = &adding->intake;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *answer = spira_value_map();
    spira_value_set_int(answer, "added", (int64_t)spira_value_count(adding->events));
    if (adding->wait) {
        spira_value_set_int(answer, "accepted", (int64_t)intake->accepted);
        spira_value_set(answer, "rejected", spira_value_copy(intake->rejected));
        spira_value_set(answer, "failed", spira_value_copy(intake->failed));
        spira_value_set_int(answer, "pending", (int64_t)(intake->count - intake->settled));
    }
    spira_output_json(stdout, answer);
}

static int conclude(const struct adding *adding)
{
    const struct spira_intake_wait *intake = &adding->intake;
    if (adding->json)
        print_json(adding);
    else
        print_table(adding);
    fflush(stdout);
    if (intake->settled < intake->count) {
        fprintf(stderr, "spiractl: %zu of %zu recordings are not settled yet\n",
                intake->count - intake->settled, intake->count);
        return SPIRA_EXIT_TIMED_OUT;
    }
    if (spira_value_count(intake->failed) == 0)
        return SPIRA_EXIT_SUCCESS;
    fprintf(stderr, "spiractl: %zu recordings became dead letters; see 'spiractl dlq list'\n",
            spira_value_count(intake->failed));
    return SPIRA_EXIT_FAILED;
}

static int run_add(const struct spira_arguments *arguments)
{
    SPIRA_CLEANUP(adding_done)
    struct adding adding = {.arguments = arguments, .stop = spira_stop_signal_progress()};
    struct spira_error err;
    if (begin(arguments, &adding, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    spira_stop_signal_catch();
    const struct spira_bars_look look =
        spira_bars_look_for(stderr, adding.json, adding.connection.worker.clock, adding.stop);
    adding.bars = spira_progress_bars_new(&look);
    adding.watch = spira_progress_bars_watch(adding.bars);
    enum spira_code code = prepare(&adding, &err);
    if (code == SPIRA_OK)
        code = send_all(&adding, &err);
    if (code == SPIRA_OK && adding.wait)
        code = await_intake(&adding, &err);
    if (code == SPIRA_EINTERRUPTED && spira_stop_signal()) {
        (void)spira_report(&err);
        return SPIRA_EXIT_SIGNAL + spira_stop_signal();
    }
    return code == SPIRA_OK ? conclude(&adding) : spira_report(&err);
}

static const struct spira_option options[] = {
    {"csv", "FILE", "recordings: columns file_path,class and maybe patient, split", 0, false,
     false},
    {"noise", "FILE", "noises to mix in: column file_path", 0, false, false},
    {"root", "DIR", "the folder that the paths in both files are relative to", 0, false, false},
    {"label", "LABEL", "of every FILE: 0 for a control, 1 for a patient", 0, false, false},
    {"patient", "ID", "who speaks in every FILE; without it each is its own patient", 0, false,
     false},
    {"wait", NULL, "wait until every recording is accepted or rejected", 0, false, false},
    SPIRA_OPTION_TIMEOUT,
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTION_OUTPUT,
    {0},
};

const struct spira_verb spira_audio_add_verb = {
    .noun = "audio",
    .name = "add",
    .sentence = "Adds recordings to the fleet's corpus.",
    .operand = "FILE",
    .operands_most = SIZE_MAX,
    .options = options,
    .details =
        "Recordings come from a CSV file, or one by one as FILE. One that lies below the inbox is\n"
        "referred to where it is; any other is copied there. Adding twice is harmless: a "
        "recording\n"
        "is its content, and of two rows about one the later counts. A CSV row whose file is\n"
        "missing is quarantined; a missing FILE is an error, before anything is sent.\n"
        "With --wait a run that is started then has them all; those rejected are listed (exit "
        "code\n"
        "0), those that became dead letters too (1); 124: --timeout has passed.\n",
    .example = "spiractl audio add --csv metadata.csv --noise noise.csv --root recordings --wait",
    .run = run_add,
};
