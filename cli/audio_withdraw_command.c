/* spiractl audio withdraw. */
#include "cli/audio_verbs.h"
#include "cli/fleet_connection.h"
#include "cli/output.h"
#include "cli/recordings_csv.h"
#include "cli/withdrawal.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/stop_signal.h"

enum { REASON_MAX = 1024 }; /* of the event */

/* One call of the command. */
struct withdrawing {
    struct spira_fleet_connection connection;
    bool json;
    struct spira_value *rows; /* of the CSV file, or NULL */
    const char **names;       /* borrowed from the arguments and rows */
    size_t count;
    struct spira_value *recordings;
};

static void withdrawing_done(struct withdrawing *withdrawing)
{
    spira_value_free(withdrawing->rows);
    spira_value_free(withdrawing->recordings);
    free(withdrawing->names);
    spira_fleet_disconnect(&withdrawing->connection);
}

static enum spira_code read_names(const struct spira_arguments *arguments,
                                  struct withdrawing *withdrawing, struct spira_error *err)
{
    const char *csv = spira_argument(arguments, "csv");
    const char *reason = spira_argument(arguments, "reason");
    if (reason && strlen(reason) > REASON_MAX)
        return spira_fail(err, SPIRA_EINVALID, "--reason: longer than %d bytes", REASON_MAX);
    if (!csv && arguments->operand_count == 0)
        return spira_fail(err, SPIRA_EINVALID,
                          "audio withdraw: nothing to withdraw: give RECORDING or --csv; see "
                          "'spiractl audio withdraw --help'");
    if (csv) {
        enum spira_code code = spira_noises_csv(csv, &withdrawing->rows, err);
        if (code != SPIRA_OK)
            return code;
    }
    const size_t rows = spira_value_count(withdrawing->rows);
    withdrawing->names = spira_alloc(arguments->operand_count + rows, sizeof *withdrawing->names);
    for (size_t i = 0; i < arguments->operand_count; i++)
        withdrawing->names[withdrawing->count++] = arguments->operands[i];
    for (size_t i = 0; i < rows; i++)
        withdrawing->names[withdrawing->count++] =
            spira_value_get_text(spira_value_at(withdrawing->rows, i), "recording_id", "");
    return SPIRA_OK;
}

static enum spira_code begin(const struct spira_arguments *arguments,
                             struct withdrawing *withdrawing, struct spira_error *err)
{
    enum spira_code code = spira_output_is_json(arguments, &withdrawing->json, err);
    if (code == SPIRA_OK)
        code = read_names(arguments, withdrawing, err);
    if (code == SPIRA_OK)
        code = spira_fleet_connect(arguments, &withdrawing->connection, err);
    return code == SPIRA_OK
               ? spira_fleet_probe(&withdrawing->connection.worker, SPIRA_NEED_BUS, err)
               : code;
}

static void print(const struct withdrawing *withdrawing)
{
    static const char *const headings[] = {"RECORDING", "SHA256"};
    if (withdrawing->json) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *answer = spira_value_map();
        spira_value_set(answer, "withdrawn", spira_value_copy(withdrawing->recordings));
        spira_output_json(stdout, answer);
        return;
    }
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < spira_value_count(withdrawing->recordings); i++) {
        const struct spira_value *recording = spira_value_at(withdrawing->recordings, i);
        spira_table_add(&table,
                        spira_copy_text(spira_value_get_text(recording, "recording_id", "")));
        spira_table_add(&table, spira_copy_text(spira_value_get_text(recording, "sha256", "")));
    }
    spira_table_print(stdout, &table);
}

static int run_withdraw(const struct spira_arguments *arguments)
{
    SPIRA_CLEANUP(withdrawing_done)
    struct withdrawing withdrawing = {0};
    struct spira_error err;
    if (begin(arguments, &withdrawing, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    const struct spira_worker *worker = &withdrawing.connection.worker;
    enum spira_code code = spira_withdrawal_find(worker, withdrawing.names, withdrawing.count,
                                                 &withdrawing.recordings, &err);
    if (code != SPIRA_OK)
        return spira_report_usage(&err);
    spira_stop_signal_catch();
    code = spira_withdrawal_emit(worker, withdrawing.recordings,
                                 spira_argument(arguments, "reason"), &err);
    if (code == SPIRA_OK)
        code = spira_fleet_flush(worker, spira_stop_signal_progress(), &err);
    if (code != SPIRA_OK)
        return spira_report(&err);
    print(&withdrawing);
    return SPIRA_EXIT_SUCCESS;
}

static const struct spira_option options[] = {
    {"csv", "FILE", "recordings, as they were added: column file_path", 0, false, false},
    {"reason", "TEXT", "why, kept in the events", 0, false, false},
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTION_OUTPUT,
    {0},
};

const struct spira_verb spira_audio_withdraw_verb = {
    .noun = "audio",
    .name = "withdraw",
    .sentence = "Keeps recordings out of every run that is started from now on.",
    .operand = "RECORDING",
    .operands_most = SIZE_MAX,
    .options = options,
    .details = "RECORDING is the SHA-256 of an accepted recording, or its recording id: the path "
               "it was\n"
               "added by. It stays out for good, also when it is added again. Runs that were "
               "started\n"
               "before, and their models, stay as they are. Nothing is sent when a RECORDING was "
               "never\n"
               "accepted (exit code 3), or an id is that of several recordings (2).\n",
    .example = "spiractl audio withdraw p17/consent.wav --reason 'consent withdrawn'",
    .run = run_withdraw,
};
