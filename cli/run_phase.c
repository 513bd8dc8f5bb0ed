#include "cli/run_phase.h"

#include <math.h>

#include "workers/common/run_object.h"

/* The field of the run that says that a step is done. */
static const char *const marks[SPIRA_RUN_STEPS] = {"dataset", "model", "evaluation", "published"};

void spira_run_shards(const struct spira_value *run, size_t *ret_done, size_t *ret_total)
{
    const char *total = spira_value_as_text(spira_value_find(run, "fields.shards"), "0");
    *ret_total = strtoul(total, NULL, 10);
    *ret_done = spira_value_count(spira_value_find(run, "sets.shards"));
}

static size_t count_of(const struct spira_value *entry, const char *name)
{
    int64_t number = spira_value_get_int(entry, name, 0);
    return number > 0 ? (size_t)number : 0;
}

/* What the step under way has put; false: nothing, or nothing that can be read. */
static bool read_entry(struct spira_config_source json, const struct spira_value *progress,
                       const char *step, struct spira_progress_report *ret_report)
{
    const char *text = spira_value_get_text(progress, step, NULL);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *entry = NULL;
    struct spira_error unreadable;
    if (!text ||
        spira_config_parse(json, step, text, strlen(text), &entry, &unreadable) != SPIRA_OK)
        return false;
    *ret_report = (struct spira_progress_report){
        .done = count_of(entry, "done"),
        .total = count_of(entry, "total"),
        .epoch = count_of(entry, "epoch"),
        .epochs = count_of(entry, "epochs"),
        .loss = spira_value_get_real(entry, "loss", NAN),
        .validation_loss = spira_value_get_real(entry, "validation_loss", NAN),
    };
    return ret_report->total > 0;
}

void spira_run_phase_read(struct spira_config_source json, const struct spira_value *run,
                          const struct spira_value *progress, struct spira_run_phase *ret_phase)
{
    *ret_phase = (struct spira_run_phase){.report = {.loss = NAN, .validation_loss = NAN}};
    const struct spira_value *fields = spira_value_get(run, "fields");
    /* The topics are followed each on its own: what came of a later step may be known before. */
    for (size_t i = 0; i < SPIRA_RUN_STEPS; i++)
        if (spira_value_get(fields, marks[i]))
            ret_phase->ended = i + 1;
    if (ret_phase->ended == 0) {
        spira_run_shards(run, &ret_phase->report.done, &ret_phase->report.total);
        ret_phase->reported = ret_phase->report.total > 0;
    } else if (ret_phase->ended < SPIRA_RUN_STEPS) {
        ret_phase->reported =
            read_entry(json, progress, spira_run_steps[ret_phase->ended], &ret_phase->report);
    }
}

char *spira_run_phase_text(const struct spira_run_phase *phase)
{
    const char *step = spira_run_steps[phase->ended];
    const struct spira_progress_report *report = &phase->report;
    if (!phase->reported)
        return spira_copy_text(step);
    if (report->epochs)
        return spira_format("%s epoch %zu/%zu", step, report->epoch, report->epochs);
    return spira_format("%s %zu/%zu%s", step, report->done, report->total,
                        phase->ended == 0 ? " shards" : "");
}
