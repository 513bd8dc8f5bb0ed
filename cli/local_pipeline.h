/* The whole pipeline in this process: the workers' steps over the in-memory bus and run state and a
 * filesystem store. `spiractl local run` is this with options and bars. */
#ifndef SPIRA_CLI_LOCAL_PIPELINE_H
#define SPIRA_CLI_LOCAL_PIPELINE_H

#include "core/config/run_config.h"
#include "core/ports/progress.h"

/* Who watches the steps; may be NULL as a whole. Called from one thread at a time. */
struct spira_step_watch {
    /* A step begins (the worker's folder name); returns the progress it reports to. */
    struct spira_progress (*begin)(void *self, const char *step);
    /* It ended: "succeeded", "reused", "failed", "rejected", "canceled". */
    void (*end)(void *self, const char *step, const char *status, double seconds);
    void *self;
};

struct spira_local_job {
    const char *csv;   /* file_path,class and optionally patient, split, anything else */
    const char *noise; /* CSV with file_path; NULL: none */
    const char *root;  /* the paths in both are relative to it */
    const char *store; /* folder; made when it is not there */
    const struct spira_run_config *config;
    size_t threads;
    struct spira_progress progress; /* its stop_wanted ends the run with SPIRA_EINTERRUPTED */
    const struct spira_step_watch *watch;
};

/* Runs to the end and gives the run's object (DESIGN, "Command line", local run), also of a run
 * that failed ("state": "failed", and then "message") or was rejected by the gate. Waits while
 * another local run uses the store. Any other end is a code: SPIRA_ENOTFOUND and SPIRA_EINVALID for
 * the CSV files, SPIRA_EIO (a full disk), SPIRA_EINTERRUPTED. */
SPIRA_MUST_USE enum spira_code spira_local_pipeline(const struct spira_local_job *job,
                                                    struct spira_value **ret_object,
                                                    struct spira_error *err);

#endif
