#include "cli/local_progress.h"

#include <math.h>
#include <string.h>

/* How far a step of several parts is, the watch hears from us; of a single part, from itself. */
static void report(void *self, const struct spira_progress_report *report)
{
    const struct spira_local_progress *progress = self;
    if (progress->expected == 0)
        spira_progress_report(progress->shown, report);
}

static bool stop_wanted(void *self)
{
    return spira_progress_stop_wanted(((const struct spira_local_progress *)self)->stop);
}

static void report_parts(const struct spira_local_progress *progress)
{
    const struct spira_progress_report report = {
        .done = progress->done, .total = progress->expected, .loss = NAN, .validation_loss = NAN};
    if (progress->expected > 0)
        spira_progress_report(progress->shown, &report);
}

void spira_local_progress_expect(struct spira_local_progress *progress, size_t parts)
{
    progress->expected = parts;
    progress->done = 0;
    if (progress->step)
        report_parts(progress);
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
        report_parts(progress);
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
    report_parts(progress);
}

void spira_local_progress_end(struct spira_local_progress *progress)
{
    if (!progress->step)
        return;
    if (progress->watch)
        progress->watch->end(progress->watch->self, progress->step,
                             progress->status ? progress->status : "canceled", progress->seconds);
    progress->step = NULL;
    progress->expected = progress->done = 0;
}
