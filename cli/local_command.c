/* spiractl local: the whole pipeline in this process. */
#include <signal.h>

#include "adapters/posix/clock_posix.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/local_pipeline.h"
#include "cli/output.h"
#include "cli/progress_bars.h"
#include "core/evaluation/metrics.h"
#include "workers/common/exit_code.h"
#include "workers/common/stop_signal.h"

static void print_line(const char *name, char *text)
{
    printf("%-22s %s\n", name, text);
    free(text);
}

static void print_text(const char *name, const struct spira_value *map, const char *key)
{
    const char *text = spira_value_get_text(map, key, NULL);
    if (text)
        print_line(name, spira_copy_text(text));
}

static void print_number(const char *name, const struct spira_value *map, const char *key)
{
    const struct spira_value *value = spira_value_get(map, key);
    if (value)
        print_line(name, spira_number_text(value, 4));
}

static void print_steps(const struct spira_value *steps)
{
    static const char *const headings[] = {"STEP", "STATUS", "SECONDS"};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < spira_value_count(steps); i++) {
        const struct spira_value *step = spira_value_at(steps, i);
        spira_table_add(&table, spira_copy_text(spira_value_get_text(step, "step", "")));
        spira_table_add(&table, spira_copy_text(spira_value_get_text(step, "status", "")));
        spira_table_add(&table, spira_number_text(spira_value_get(step, "seconds"), 1));
    }
    spira_table_print(stdout, &table);
}

/* The run's object for people. */
static void print_run(const struct spira_value *run)
{
    const struct spira_value *dataset = spira_value_get(run, "dataset");
    const struct spira_value *training = spira_value_get(run, "training");
    const struct spira_value *model = spira_value_get(run, "model");
    const struct spira_value *evaluation = spira_value_get(run, "evaluation");
    print_text("run", run, "run_id");
    print_text("state", run, "state");
    printf("\n");
    print_steps(spira_value_get(run, "steps"));
    printf("\n");
    print_number("recordings", dataset, "recordings");
    print_number("quarantined", dataset, "quarantined");
    print_number("windows", dataset, "windows");
    print_number("epochs", training, "epochs");
    print_number("best epoch", training, "best_epoch");
    print_number("validation loss", training, "validation_loss");
    print_number("validation accuracy", training, "validation_accuracy");
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++) {
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("test %s", metric->name);
        print_number(name, evaluation, metric->name);
    }
    print_number("version", model, "version");
    print_text("model", model, "path");
    print_text("report", evaluation, "report");
}

/* Says how the run ended, when that was not well, and gives the exit code. */
static int conclude(const struct spira_value *run)
{
    const char *state = spira_value_get_text(run, "state", "");
    const char *message = spira_value_get_text(run, "message", NULL);
    struct spira_error err;
    if (strcmp(state, "succeeded") == 0)
        return SPIRA_EXIT_SUCCESS;
    if (strcmp(state, "rejected") == 0)
        (void)spira_fail(&err, SPIRA_EREJECTED, "%s",
                         message ? message : "the publishing gate rejected the model");
    else if (strcmp(state, "canceled") == 0)
        (void)spira_fail(&err, SPIRA_ECANCELED, "%s", message ? message : "the run was canceled");
    else
        (void)spira_fail(&err, SPIRA_EBUG, "the run failed: %s", message ? message : state);
    return spira_report(&err);
}

/* The run did not come to an end of its own. */
static int conclude_early(const struct spira_error *err)
{
    int number = spira_stop_signal();
    if (err->code != SPIRA_EINTERRUPTED || !number)
        return spira_report_usage(err);
    fprintf(stderr,
            "spiractl: interrupted by SIG%s; what is done is kept, and running it again goes on "
            "from there\n",
            sigabbrev_np(number));
    return SPIRA_EXIT_SIGNAL + number;
}

static enum spira_code run_pipeline(struct spira_local_job *job, bool json,
                                    struct spira_value **ret_run, struct spira_error *err)
{
    spira_stop_signal_catch();
    job->progress = spira_stop_signal_progress();
    const struct spira_bars_look look =
        spira_bars_look_for(stderr, json, spira_clock_posix(), job->progress);
    SPIRA_CLEANUP(spira_progress_bars_free_at)
    struct spira_progress_bars *bars = spira_progress_bars_new(&look);
    const struct spira_step_watch watch = spira_progress_bars_watch(bars);
    job->watch = &watch;
    enum spira_code code = spira_local_pipeline(job, ret_run, err);
    job->watch = NULL;
    return code;
}

/* Fills what the command line says of the run. */
static enum spira_code read_job(const struct spira_arguments *arguments,
                                struct spira_run_config *config, struct spira_local_job *job,
                                struct spira_error *err)
{
    job->csv = spira_argument(arguments, "csv");
    job->noise = spira_argument(arguments, "noise");
    job->root = spira_argument(arguments, "root");
    job->config = config;
    size_t count = spira_argument_count(arguments, "set");
    SPIRA_CLEANUP(spira_free_at)
    const char **sets = spira_alloc(count + 1, sizeof *sets);
    for (size_t i = 0; i < count; i++)
        sets[i] = spira_argument_at(arguments, "set", i);
    enum spira_code code = spira_argument_store(arguments, &job->store, err);
    if (code == SPIRA_OK)
        code = spira_argument_threads(arguments, &job->threads, err);
    return code == SPIRA_OK ? spira_configuration_read(spira_argument(arguments, "config"), sets,
                                                       count, config, err)
                            : code;
}

static int run_run(const struct spira_arguments *arguments)
{
    bool json = false;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    struct spira_local_job job = {0};
    struct spira_error err;
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        read_job(arguments, &config, &job, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    if (run_pipeline(&job, json, &run, &err) != SPIRA_OK)
        return conclude_early(&err);
    if (json)
        spira_output_json(stdout, run);
    else
        print_run(run);
    fflush(stdout); /* before what stderr says of it */
    return conclude(run);
}

static const struct spira_option options[] = {
    {"csv", "FILE", "recordings: columns file_path,class and maybe patient, split", 0, true, false},
    {"noise", "FILE", "noises to mix in: column file_path", 0, false, false},
    {"root", "DIR", "the folder that the paths in both files are relative to", 0, true, false},
    {"config", "FILE", "run configuration", 0, true, false},
    {"set", "KEY=VALUE", "changes one key of it, such as train.epochs=5; JSON or a bare word", 0,
     false, true},
    SPIRA_OPTION_STORE,
    SPIRA_OPTION_THREADS,
    SPIRA_OPTION_OUTPUT,
    {0},
};

static const struct spira_verb run = {
    .noun = "local",
    .name = "run",
    .sentence = "Runs the whole pipeline: recordings in, published model out; no service needed.",
    .options = options,
    .details =
        "Checks the recordings, computes features, trains, evaluates, and publishes the model in\n"
        "the store when it passes the gate. Steps that are done already are reused. Ctrl-C keeps\n"
        "what is done; running it again goes on. One run per store at a time: a second waits.\n",
    .example = "spiractl local run --csv metadata.csv --noise noise.csv --root . \\\n"
               "      --config run.json --set seed=43 --store store",
    .run = run_run,
};

const struct spira_noun spira_local_noun = {
    .name = "local",
    .sentence = "The pipeline on this machine alone.",
    .verbs = (const struct spira_verb *const[]){&run, NULL},
};
