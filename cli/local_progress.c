#include "cli/local_progress.h"

#include <math.h>
#include <string.h>

/* Parts that are done, each of so many units, and what the part under way says of itself. */
static void report_parts(const struct spira_local_progress *progress,
                         const struct spira_progress_report *under_way)
{
    size_t units = progress->units ? progress->units : 1;
    size_t number = progress->done + (under_way != NULL);
    char note[64];
    snprintf(note, sizeof note, "member %zu/%zu", number, progress->expected);
    struct spira_progress_report all = {.loss = NAN, .validation_loss = NAN};
    if (under_way)
        all = *under_way;
    all.done += progress->done * units;
    all.total = progress->expected * units;
    all.note = progress->units ? note : NULL;
    if (progress->expected > 0)
        spira_progress_report(progress->shown, &all);
}

/* How far a step of several parts is, the watch hears from us; of a single part, from itself. */
static void report(void *self, const struct spira_progress_report *report)
{
    struct spira_local_progress *progress = self;
    if (progress->expected == 0) {
        spira_progress_report(progress->shown, report);
    } else if (report->epochs > 0) { /* one of several trainings */
        progress->units = report->total;
        report_parts(progress, report);
    }
}

static bool stop_wanted(void *self)
{
    return spira_progress_stop_wanted(((const struct spira_local_progress *)self)->stop);
}

void spira_local_progress_expect(struct spira_local_progress *progress, const char *step,
                                 size_t parts)
{
    if (progress->step && strcmp(progress->step, step) != 0)
        return;
    progress->expected = parts;
    progress->done = progress->units = 0;
    if (progress->step)
        report_parts(progress, NULL);
}

struct spira_progress spira_local_progress_begin(struct spira_local_progress *progress,
                                                 const char *step)
{
    static const struct spira_progress_ops ops = {.report = report, .stop_wanted = stop_wanted};
    if (!progress->step || strcmp(progress->step, step) != 0) {
        spira_local_progress_end(progress);
        progress->step = step;
        progress->status = NULL;
        progress->seconds = 0;
        progress->shown = progress->watch ? progress->watch->begin(progress->watch->self, step)
                                          : (struct spira_progress){0};
        report_parts(progress, NULL);
    }
    return (struct spira_progress){.ops = &ops, .self = progress};
}

/* A step is reused when whatever there was to compute was there already. */
static const char *join_status(const char *so_far, const struct spira_step_outcome *outcome)
{
    bool reused = strcmp(outcome->status, "reused") == 0;
    bool succeeded = strcmp(outcome->status, "succeeded") == 0;
    if (!so_far || (!reused && !succeeded))
        return outcome->status;
    if (strcmp(so_far, "reused") == 0 && succeeded && outcome->computed)
        return outcome->status;
    return so_far;
}

void spira_local_progress_add(struct spira_local_progress *progress,
                              const struct spira_step_outcome *outcome)
{
    progress->status = join_status(progress->status, outcome);
    progress->seconds += outcome->seconds;
    progress->done++;
    report_parts(progress, NULL);
}

void spira_local_progress_end(struct spira_local_progress *progress)
{
    if (!progress->step)
        return;
    if (progress->watch)
        progress->watch->end(progress->watch->self, progress->step,
                             progress->status ? progress->status : "canceled", progress->seconds);
    progress->step = NULL;
    progress->expected = progress->done = progress->units = 0;
}
