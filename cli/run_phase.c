#include "cli/run_phase.h"

#include <inttypes.h>
#include <math.h>

#include "workers/common/run/run_object.h"

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

/* Adds a training under way to the note, as far as there is room. */
static void note_member(struct spira_run_phase *phase, const char *number,
                        const struct spira_progress_report *report)
{
    size_t length = strlen(phase->note), room = sizeof phase->note - length;
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("  %ju: epoch %zu/%zu", strtoumax(number, NULL, 10), report->epoch,
                              report->epochs);
    SPIRA_CLEANUP(spira_free_at)
    char *loss = isfinite(report->loss) ? spira_format(" loss %.4f", report->loss) : NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *validation = isfinite(report->validation_loss)
                           ? spira_format(" val %.4f", report->validation_loss)
                           : NULL;
    int needed = snprintf(phase->note + length, room, "%s%s%s", text, loss ? loss : "",
                          validation ? validation : "");
    if (needed < 0 || (size_t)needed >= room)
        phase->note[length] = '\0';
}

/* A run's several trainings: those that are done count as long as the longest of the others. */
static void read_members(struct spira_config_source json, const struct spira_value *run,
                         const struct spira_value *progress, struct spira_run_phase *phase)
{
    static const char name[] = "model_training.";
    const struct spira_value *ended = spira_value_find(run, "sets.members");
    phase->members_done = spira_value_count(ended);
    snprintf(phase->note, sizeof phase->note, "%zu/%zu members", phase->members_done,
             phase->members);
    double under_way = 0; /* in trainings */
    size_t longest = 1;
    for (size_t i = 0; i < spira_value_count(progress); i++) {
        const char *key = spira_value_key_at(progress, i);
        struct spira_progress_report report;
        if (strncmp(key, name, sizeof name - 1) != 0 ||
            spira_value_get(ended, key + sizeof name - 1) ||
            !read_entry(json, progress, key, &report))
            continue;
        under_way += (double)report.done / (double)report.total;
        longest = report.total > longest ? report.total : longest;
        note_member(phase, key + sizeof name - 1, &report);
    }
    phase->report.total = phase->members * longest;
    phase->report.done =
        phase->members_done * longest + (size_t)(under_way * (double)longest + 0.5);
    phase->report.note = phase->note;
    phase->reported = true;
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
        return;
    }
    const char *members = spira_value_get_text(fields, "members", NULL);
    if (members && strcmp(spira_run_steps[ret_phase->ended], "model_training") == 0) {
        ret_phase->members = strtoul(members, NULL, 10);
        read_members(json, run, progress, ret_phase);
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
    if (phase->members)
        return spira_format("%s %zu/%zu members", step, phase->members_done, phase->members);
    if (report->epochs)
        return spira_format("%s epoch %zu/%zu", step, report->epoch, report->epochs);
    return spira_format("%s %zu/%zu%s", step, report->done, report->total,
                        phase->ended == 0 ? " shards" : "");
}
