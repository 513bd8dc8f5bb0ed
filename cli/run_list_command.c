/* spiractl run list. */
#include "cli/output.h"
#include "cli/run_phase.h"
#include "cli/run_verbs.h"
#include "core/base/moment.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/run/run_object.h"

enum { LIMIT = 20, LIMIT_MAX = 100000 };

/* The newest run ids. */
struct newest {
    struct spira_uuid *ids;
    size_t count, limit;
};

static bool keep(void *context, const char *run_id)
{
    struct newest *newest = context;
    if (newest->count == newest->limit)
        return false;
    newest->ids = spira_realloc(newest->ids, newest->count + 1, sizeof *newest->ids);
    snprintf(newest->ids[newest->count++].text, sizeof newest->ids->text, "%s", run_id);
    return true;
}

static void set_progress(struct spira_value *row, const struct spira_run_phase *phase)
{
    const struct spira_progress_report *report = &phase->report;
    spira_value_set_text(row, "step", spira_run_steps[phase->ended]);
    struct spira_value *progress =
        spira_value_set(row, "progress", phase->reported ? spira_value_map() : spira_value_null());
    if (!phase->reported)
        return;
    spira_value_set_int(progress, "done", (int64_t)report->done);
    spira_value_set_int(progress, "total", (int64_t)report->total);
    if (phase->members) {
        struct spira_value *members = spira_value_set(progress, "members", spira_value_map());
        spira_value_set_int(members, "done", (int64_t)phase->members_done);
        spira_value_set_int(members, "total", (int64_t)phase->members);
    }
    if (report->epochs) {
        spira_value_set_int(progress, "epoch", (int64_t)report->epoch);
        spira_value_set_int(progress, "epochs", (int64_t)report->epochs);
        spira_value_set_real(progress, "loss", report->loss);
        spira_value_set_real(progress, "validation_loss", report->validation_loss);
    }
}

/* Appends a run to the list: {"run_id", "name", "state", "started", "version", "step", "progress"},
 * the last two while it is under way, with a text for people beside. */
static enum spira_code describe(const struct spira_worker *worker, const char *run_id,
                                struct spira_value *list, char **ret_text, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *progress = NULL;
    enum spira_code code = spira_state_run(worker->state, run_id, &run, err);
    if (code == SPIRA_OK)
        code = spira_state_progress(worker->state, run_id, &progress, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_value *fields = spira_value_get(run, "fields");
    const char *state = spira_value_get_text(fields, "state", "pending");
    const char *version = spira_value_get_text(fields, "version", NULL);
    struct spira_value *row = spira_value_append(list, spira_value_map());
    spira_value_set_text(row, "run_id", run_id);
    spira_value_set_text(row, "name", spira_value_get_text(fields, "name", NULL));
    spira_value_set_text(row, "state", state);
    spira_value_set_text(row, "started", spira_moment_format(spira_uuid7_time(run_id)).text);
    spira_value_set(row, "version",
                    version ? spira_value_int(strtoll(version, NULL, 10)) : spira_value_null());
    struct spira_run_phase phase;
    spira_run_phase_read(worker->tools.json, run, progress, &phase);
    if (spira_run_is_over(state) || phase.ended == SPIRA_RUN_STEPS) {
        *ret_text = NULL;
        return SPIRA_OK;
    }
    set_progress(row, &phase);
    *ret_text = spira_run_phase_text(&phase);
    return SPIRA_OK;
}

static void add_row(struct spira_table *table, const struct spira_value *row, char *progress)
{
    static const char *const cells[] = {"run_id", "name", "state"};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        spira_table_add(table, spira_copy_text(spira_value_get_text(row, cells[i], NULL)));
    spira_table_add(table, progress);
    spira_table_add(table, spira_copy_text(spira_value_get_text(row, "started", NULL)));
    const struct spira_value *version = spira_value_get(row, "version");
    spira_table_add(table,
                    spira_value_type(version) == SPIRA_INT ? spira_number_text(version, 0) : NULL);
}

static enum spira_code list_runs(const struct spira_worker *worker, const struct newest *newest,
                                 bool json, struct spira_error *err)
{
    static const char *const headings[] = {"RUN",      "NAME",    "STATE",
                                           "PROGRESS", "STARTED", "VERSION"};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = spira_value_list();
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < newest->count; i++) {
        char *progress = NULL;
        struct spira_error why;
        enum spira_code code = describe(worker, newest->ids[i].text, list, &progress, &why);
        if (code == SPIRA_OK)
            add_row(&table, spira_value_at(list, spira_value_count(list) - 1), progress);
        else if (code != SPIRA_ENOTFOUND) { /* forgotten since it was listed */
            *err = why;
            return code;
        }
    }
    if (json)
        spira_output_json(stdout, list);
    else
        spira_table_print(stdout, &table);
    return SPIRA_OK;
}

static int run_list(const struct spira_arguments *arguments)
{
    bool json = false;
    int64_t limit = LIMIT;
    struct spira_error err;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        spira_argument_number(arguments, "limit", 1, LIMIT_MAX, LIMIT, &limit, &err) != SPIRA_OK ||
        spira_fleet_connect(arguments, &connection, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    struct newest newest = {.limit = (size_t)limit};
    enum spira_code code = spira_fleet_probe(&connection.worker, SPIRA_NEED_STATE, &err);
    if (code == SPIRA_OK)
        code = spira_state_runs(connection.worker.state, keep, &newest, &err);
    if (code == SPIRA_OK)
        code = list_runs(&connection.worker, &newest, json, &err);
    free(newest.ids);
    return code == SPIRA_OK ? SPIRA_EXIT_SUCCESS : spira_report(&err);
}

static const struct spira_option options[] = {
    {"limit", "N", "show the newest N runs; the default is 20", 'n', false, false},
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTION_OUTPUT,
    {0},
};

const struct spira_verb spira_run_list_verb = {
    .noun = "run",
    .name = "list",
    .sentence = "Lists the runs of the fleet, the newest first.",
    .options = options,
    .example = "spiractl run list --limit 5",
    .run = run_list,
};
