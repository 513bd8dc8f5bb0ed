#include "cli/run_output.h"

#include "cli/output.h"
#include "cli/validation_output.h"
#include "core/evaluation/metrics.h"
#include "workers/common/command_line/exit_code.h"

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

/* A number below a dotted path, or nothing where there is none; free with free(). */
static char *cell(const struct spira_value *map, const char *path, int decimals)
{
    const struct spira_value *value = spira_value_find(map, path);
    return spira_value_type(value) == SPIRA_NULL ? NULL : spira_number_text(value, decimals);
}

static void print_members(FILE *out, const struct spira_value *run)
{
    static const struct {
        const char *heading, *path;
        int decimals;
    } columns[] = {{"MEMBER", "member", 0},
                   {"FOLD", "fold", 0},
                   {"SEED", "seed", 0},
                   {"EPOCHS", "epochs", 0},
                   {"BEST", "best_epoch", 0},
                   {"VALIDATION LOSS", "validation_loss", 4},
                   {"ACCURACY", "validation_accuracy", 4},
                   {"TEST ACCURACY", "test.metrics.accuracy", 4},
                   {"ROC AUC", "test.metrics.roc_auc", 4}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    const struct spira_value *members = spira_value_get(run, "members");
    if (spira_value_count(members) == 0)
        return;
    const char *headings[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        headings[i] = columns[i].heading;
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, COLUMNS);
    for (size_t m = 0; m < spira_value_count(members); m++)
        for (size_t i = 0; i < COLUMNS; i++)
            spira_table_add(&table,
                            cell(spira_value_at(members, m), columns[i].path, columns[i].decimals));
    spira_table_print(out, &table);
    fprintf(out, "\n");
}

/* "test accuracy", of an ensemble also its spread and that of the member that is published. */
static void print_metric(FILE *out, const struct spira_value *evaluation, const char *metric)
{
    const struct spira_value *spread =
        spira_value_get(spira_value_get(evaluation, "spread"), metric);
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("test %s", metric);
    SPIRA_CLEANUP(spira_free_at)
    char *mean = cell(spread, "mean", 4);
    SPIRA_CLEANUP(spira_free_at)
    char *deviation = cell(spread, "standard_deviation", 4);
    SPIRA_CLEANUP(spira_free_at)
    char *own = cell(spira_value_get(evaluation, "published_metrics"), metric, 4);
    SPIRA_CLEANUP(spira_free_at)
    char *all = cell(evaluation, metric, 4);
    if (!all || !own) {
        print_number(out, name, evaluation, metric);
        return;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *text =
        spira_format("%-8s ensemble, best member %s, members %s%s%s", all, own, mean ? mean : "-",
                     deviation ? " +- " : "", deviation ? deviation : "");
    spira_print_line(out, name, text);
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
    print_members(out, run);
    spira_validation_print(out, spira_value_get(dataset, "validation"));
    print_number(out, "recordings", dataset, "recordings");
    print_number(out, "left out", dataset, "quarantined");
    print_number(out, "windows", dataset, "windows");
    print_number(out, "epochs", training, "epochs");
    print_number(out, "best epoch", training, "best_epoch");
    print_number(out, "validation loss", training, "validation_loss");
    print_number(out, "validation accuracy", training, "validation_accuracy");
    print_number(out, "best member", evaluation, "published_member");
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++)
        print_metric(out, evaluation, metric->name);
    print_number(out, "out-of-fold accuracy", spira_value_get(evaluation, "cross_validation"),
                 "accuracy");
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
