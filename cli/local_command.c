/* spiractl local: the whole pipeline in this process. */
#include <signal.h>

#include "adapters/posix/clock_posix.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/local_pipeline.h"
#include "cli/output.h"
#include "cli/progress_bars.h"
#include "cli/run_output.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/stop_signal.h"

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
        spira_run_print(stdout, run);
    fflush(stdout); /* before what stderr says of it */
    return spira_run_conclude(run);
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
