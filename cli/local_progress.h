/* From the parts of a step, each run on its own, to the one step that somebody watches. */
#ifndef SPIRA_CLI_LOCAL_PROGRESS_H
#define SPIRA_CLI_LOCAL_PROGRESS_H

#include "cli/local_pipeline.h"
#include "workers/common/step/step_runner.h"

struct spira_local_progress {
    /* Set by the owner. */
    const struct spira_step_watch *watch; /* may be NULL */
    struct spira_progress stop;           /* asked whether to stop */
    /* The step under way; NULL: none. */
    const char *step;
    struct spira_progress shown; /* what the watch gave for it */
    size_t expected, done;       /* parts; expected 0: the one part reports itself */
    size_t units;                /* of a part that reports itself all the same; 0: none does */
    const char *status;          /* of the parts so far; static text */
    double seconds;
};

/* This step, which begins next or is under way, has that many parts. While another is under way,
 * this one is over and nothing changes. */
void spira_local_progress_expect(struct spira_local_progress *progress, const char *step,
                                 size_t parts);

/* A part of this step begins; the step before it ends. Returns what the part reports to. */
struct spira_progress spira_local_progress_begin(struct spira_local_progress *progress,
                                                 const char *step);

/* The part ended so. */
void spira_local_progress_add(struct spira_local_progress *progress,
                              const struct spira_step_outcome *outcome);

/* The step under way ends, if there is one. */
void spira_local_progress_end(struct spira_local_progress *progress);

#endif
