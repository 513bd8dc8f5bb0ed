/* spiractl run start. */
#include "cli/configuration.h"
#include "cli/output.h"
#include "cli/run_find.h"
#include "cli/run_verbs.h"
#include "core/run/manifest.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/stop_signal.h"
#include "workers/common/run/corpus_ranges.h"
#include "workers/common/run/run_request.h"

/* What the command line asks for. */
struct start {
    struct spira_run_config config;
    const char *like; /* a run, or NULL */
    struct spira_corpus_bound from, to;
    bool json, wait;
    int64_t timeout_ms;
};

static enum spira_code check(const struct spira_arguments *arguments, struct spira_error *err)
{
    if (spira_argument(arguments, "like") &&
        (spira_argument(arguments, "from") || spira_argument(arguments, "to")))
        return spira_fail(err, SPIRA_EINVALID,
                          "--like takes the corpus of a run; --from and --to cannot go with it");
    if (spira_argument(arguments, "timeout") && !spira_argument(arguments, "wait"))
        return spira_fail(err, SPIRA_EINVALID, "--timeout goes with --wait");
    return SPIRA_OK;
}

static enum spira_code read_start(const struct spira_arguments *arguments, struct start *start,
                                  struct spira_error *err)
{
    size_t count = spira_argument_count(arguments, "set");
    SPIRA_CLEANUP(spira_free_at)
    const char **sets = spira_alloc(count + 1, sizeof *sets);
    for (size_t i = 0; i < count; i++)
        sets[i] = spira_argument_at(arguments, "set", i);
    start->like = spira_argument(arguments, "like");
    start->wait = spira_argument(arguments, "wait") != NULL;
    enum spira_code code = check(arguments, err);
    if (code == SPIRA_OK)
        code = spira_output_is_json(arguments, &start->json, err);
    if (code == SPIRA_OK)
        code = spira_run_timeout(arguments, &start->timeout_ms, err);
    if (code == SPIRA_OK)
        code =
            spira_corpus_bound_parse("from", spira_argument(arguments, "from"), &start->from, err);
    if (code == SPIRA_OK)
        code = spira_corpus_bound_parse("to", spira_argument(arguments, "to"), &start->to, err);
    return code == SPIRA_OK ? spira_configuration_read(spira_argument(arguments, "config"), sets,
                                                       count, &start->config, err)
                            : code;
}

/* The corpus of an old run, without what was withdrawn since. */
static enum spira_code corpus_like(const struct spira_worker *worker, const char *like,
                                   struct spira_offset_range **ret_ranges, size_t *ret_count,
                                   struct spira_error *err)
{
    struct spira_uuid run_id;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    enum spira_code code = spira_run_find(worker, like, &run_id, err);
    if (code == SPIRA_OK)
        code = spira_manifest_get(worker->store, worker->tools.json, run_id.text, &manifest, err);
    return code == SPIRA_OK ? spira_corpus_ranges_like(worker, manifest, ret_ranges, ret_count, err)
                            : code;
}

/* The ranges as they are now; that there is nothing in them is found out here, not by the fleet. */
static enum spira_code corpus_between(const struct spira_worker *worker, const struct start *start,
                                      struct spira_offset_range **ret_ranges, size_t *ret_count,
                                      struct spira_error *err)
{
    enum spira_code code =
        spira_corpus_ranges(worker, start->from, start->to, ret_ranges, ret_count, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *accepted = spira_topic(worker, "audio.accepted");
    int64_t events = 0;
    for (size_t i = 0; i < *ret_count; i++)
        if (strcmp((*ret_ranges)[i].topic, accepted) == 0)
            events += (*ret_ranges)[i].to - (*ret_ranges)[i].from;
    if (events > 0)
        return SPIRA_OK;
    bool bounded = start->from.kind != SPIRA_BOUND_NONE || start->to.kind != SPIRA_BOUND_NONE;
    free(*ret_ranges);
    *ret_ranges = NULL;
    return spira_fail(err, SPIRA_ENOTFOUND, "%s holds no recording%s", accepted,
                      bounded ? " between --from and --to" : "; 'spiractl audio add' adds some");
}

static enum spira_code request(const struct spira_worker *worker, const struct start *start,
                               struct spira_uuid *ret_run_id, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = start->like ? corpus_like(worker, start->like, &ranges, &count, err)
                                       : corpus_between(worker, start, &ranges, &count, err);
    if (code != SPIRA_OK)
        return code;
    *ret_run_id = spira_uuid7(spira_clock_now_ms(worker->clock));
    code = spira_run_request(worker, ret_run_id->text, &start->config, ranges, count, err);
    return code == SPIRA_OK ? spira_fleet_flush(worker, spira_stop_signal_progress(), err) : code;
}

static void print_id(const char *run_id, bool json)
{
    if (json) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *answer = spira_value_map();
        spira_value_set_text(answer, "run_id", run_id);
        spira_output_json(stdout, answer);
    } else {
        printf("%s\n", run_id);
    }
}

static int run_start(const struct spira_arguments *arguments)
{
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    struct start start = {.timeout_ms = -1};
    struct spira_uuid run_id;
    struct spira_error err;
    enum spira_code code = read_start(arguments, &start, &err);
    if (code == SPIRA_OK)
        code = spira_fleet_connect(arguments, &connection, &err);
    unsigned needs = SPIRA_NEED_BUS | SPIRA_NEED_STORE;
    if (start.like || start.wait)
        needs |= SPIRA_NEED_STATE;
    if (code == SPIRA_OK)
        code = spira_fleet_probe(&connection.worker, needs, &err);
    if (code == SPIRA_OK)
        code = request(&connection.worker, &start, &run_id, &err);
    spira_run_config_done(&start.config);
    if (code != SPIRA_OK)
        return spira_report_usage(&err);
    if (!start.wait) {
        print_id(run_id.text, start.json);
        return SPIRA_EXIT_SUCCESS;
    }
    /* Whoever stops waiting needs its id. */
    fprintf(stderr, "spiractl: run %s\n", run_id.text);
    const struct spira_run_wait how = {.timeout_ms = start.timeout_ms, .json = start.json};
    return spira_run_wait(&connection.worker, run_id.text, &how);
}

static const struct spira_option options[] = {
    {"config", "FILE", "run configuration", 0, true, false},
    {"set", "KEY=VALUE", "changes one key of it, such as train.epochs=5; JSON or a bare word", 0,
     false, true},
    {"from", "BOUND", "take the recordings accepted at or after it; the default is the beginning",
     0, false, false},
    {"to", "BOUND", "take the recordings accepted before it; the default is now", 0, false, false},
    {"like", "RUN", "take the recordings of that run, but those withdrawn since", 0, false, false},
    {"wait", NULL, "wait until the run is over and show it, as 'run wait' does", 0, false, false},
    SPIRA_OPTION_TIMEOUT,
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTION_OUTPUT,
    {0},
};

const struct spira_verb spira_run_start_verb = {
    .noun = "run",
    .name = "start",
    .sentence = "Asks the fleet for a run over the accepted recordings, and prints its id.",
    .options = options,
    .details = "The configuration is checked before anything is sent. A BOUND is a time (RFC 3339; "
               "a date\n"
               "alone is its midnight, UTC) or an offset in the topic audio.accepted, the same in "
               "each of\n"
               "its partitions. With --like or bounds it is a replay: the fleet goes on where it "
               "was, and\n"
               "what an earlier run has computed of the same recordings is reused where the\n"
               "configuration allows it.\n",
    .example = "spiractl run start --config run.json --set seed=43 --from 2026-03-01 --wait",
    .run = run_start,
};
