/* What a worker and its computing child say to each other: the documents in the job's folder, and
 * the lines of the progress pipe. The parent believes nothing of what a child says but its form:
 * the child may have decoded a recording that was made to break it. */
#ifndef SPIRA_WORKERS_COMMON_CHILD_CHILD_PROTOCOL_H
#define SPIRA_WORKERS_COMMON_CHILD_CHILD_PROTOCOL_H

#include "workers/common/child/child_process.h"

#define SPIRA_CHILD_OPTION "--child"
#define SPIRA_CHILD_JOB "job.json"
#define SPIRA_CHILD_RESULT "result.json"
#define SPIRA_CHILD_ERROR "error.json"

enum {
    SPIRA_CHILD_PROGRESS = 3, /* the descriptor of the pipe in the child */
    SPIRA_CHILD_LINE_BYTES = 512,
    SPIRA_CHILD_RESULT_MAX_BYTES = 1 << 26,
    SPIRA_CHILD_ERROR_MAX_BYTES = 1 << 14,
    /* Exit codes. */
    SPIRA_CHILD_HAS_RESULT = 0,
    SPIRA_CHILD_HAS_ERROR = 1,
    SPIRA_CHILD_HAS_NOTHING = 70
};

/* What job.json says: the step, the job, the threads, the limits and the parent's process id.
 * Never NULL; free with spira_value_free. */
struct spira_value *spira_child_job_write(const struct spira_step_call *call,
                                          const struct spira_step *step,
                                          const struct spira_child_settings *settings);

/* Whether a job.json is for this step. */
bool spira_child_job_is_for(const struct spira_value *document, const struct spira_step *step);

/* Fills ret_job with the job of a job.json for step. */
void spira_child_job_read(const struct spira_value *document, const struct spira_step *step,
                          struct spira_job *ret_job);

/* What error.json says. Never NULL; free with spira_value_free. */
struct spira_value *spira_child_error_write(const struct spira_error *failure);

/* Reads an error.json; false: it is none. */
bool spira_child_error_read(const struct spira_value *document, struct spira_error *ret_failure);

/* A line of the progress pipe, with its newline. Never NULL; free with free(). */
char *spira_child_progress_write(const struct spira_progress_report *report);

/* Reads one without its newline; false: it is none. */
bool spira_child_progress_read(struct spira_config_source json, const char *line,
                               struct spira_progress_report *ret_report);

#endif
