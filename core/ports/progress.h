/* Port: how far a step is (the thesis's TrainLogger). Adapters: the terminal's bars and the silent
 * one in cli/, the child's pipe in the fleet. Also the way a step learns that it should stop. */
#ifndef SPIRA_CORE_PORTS_PROGRESS_H
#define SPIRA_CORE_PORTS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct spira_progress_report {
    size_t done, total;     /* units of the step's own: recordings, shards, training steps */
    size_t epoch, epochs;   /* training only; 0 elsewhere */
    double loss;            /* training only; NaN where there is none */
    double validation_loss; /* the newest; NaN where there is none */
    const char *note; /* for people, before the numbers; NULL: none. Only of a step in parts */
};

struct spira_progress_ops {
    /* Cheap enough to be called for each batch; borrows report. */
    void (*report)(void *self, const struct spira_progress_report *report);
    /* True when the step should checkpoint and return SPIRA_EINTERRUPTED. */
    bool (*stop_wanted)(void *self);
};

/* Used by one thread at a time. */
struct spira_progress {
    const struct spira_progress_ops *ops; /* NULL: nobody is looking and nothing stops the step */
    void *self;
};

static inline void spira_progress_report(struct spira_progress progress,
                                         const struct spira_progress_report *report)
{
    if (progress.ops)
        progress.ops->report(progress.self, report);
}

static inline bool spira_progress_stop_wanted(struct spira_progress progress)
{
    return progress.ops && progress.ops->stop_wanted(progress.self);
}

#endif
