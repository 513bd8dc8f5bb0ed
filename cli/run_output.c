#include "cli/run_output.h"

#include "cli/output.h"
#include "cli/validation_output.h"
#include "core/evaluation/metrics.h"
#include "workers/common/exit_code.h"

enum { NAME_WIDTH = 22 };

void spira_print_line(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%-*s %s\n", NAME_WIDTH, name, text);
}

static void print_text(FILE *out, const char *name, const struct spira_value *map, const char *key)
{
    const char *text = spira_value_get_text(map, key, NULL);
    if (text)
        spira_print_line(out, name, text);
}

static void print_number(FILE *out, const char *name, const struct spira_value *map,
                         const char *key)
{
    const struct spira_value *value = spira_value_get(map, key);
    SPIRA_CLEANUP(spira_free_at)
    char *text = value ? spira_number_text(value, 4) : NULL;
    if (text)
        spira_print_line(out, name, text);
}

static void print_steps(FILE *out, const struct spira_value *steps)
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
    spira_table_print(out, &table);
}

void spira_run_print(FILE *out, const struct spira_value *run)
{
    const struct spira_value *dataset = spira_value_get(run, "dataset");
    const struct spira_value *training = spira_value_get(run, "training");
    const struct spira_value *model = spira_value_get(run, "model");
    const struct spira_value *evaluation = spira_value_get(run, "evaluation");
    print_text(out, "run", run, "run_id");
    print_text(out, "state", run, "state");
    print_text(out, "why", run, "message");
    fprintf(out, "\n");
    print_steps(out, spira_value_get(run, "steps"));
    fprintf(out, "\n");
    spira_validation_print(out, spira_value_get(dataset, "validation"));
    print_number(out, "recordings", dataset, "recordings");
    print_number(out, "left out", dataset, "quarantined");
    print_number(out, "windows", dataset, "windows");
    print_number(out, "epochs", training, "epochs");
    print_number(out, "best epoch", training, "best_epoch");
    print_number(out, "validation loss", training, "validation_loss");
    print_number(out, "validation accuracy", training, "validation_accuracy");
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++) {
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("test %s", metric->name);
        print_number(out, name, evaluation, metric->name);
    }
    print_number(out, "version", model, "version");
    print_text(out, "model", model, "path");
    print_text(out, "report", evaluation, "report");
}

int spira_run_conclude(const struct spira_value *run)
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
