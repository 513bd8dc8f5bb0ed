/* The verbs of `spiractl run`, and what they share. */
#ifndef SPIRA_CLI_RUN_VERBS_H
#define SPIRA_CLI_RUN_VERBS_H

#include "cli/fleet_connection.h"
#include "workers/common/run/events.h"

extern const struct spira_verb spira_run_start_verb; /* run_start_command.c */
extern const struct spira_verb spira_run_list_verb;  /* run_list_command.c */

enum { SPIRA_WAIT_MAX_SECONDS = 366 * 24 * 3600 };

#define SPIRA_OPTION_TIMEOUT                                                                       \
    {                                                                                              \
        "timeout", "SECONDS", "wait no longer than that; exit code 124", 0, false, false           \
    }

/* Reads --timeout into milliseconds, -1 where there is none. SPIRA_EINVALID. */
SPIRA_MUST_USE enum spira_code spira_run_timeout(const struct spira_arguments *arguments,
                                                 int64_t *ret_timeout_ms, struct spira_error *err);

/* How spira_run_wait waits. */
struct spira_run_wait {
    int64_t timeout_ms; /* negative: none */
    bool json;          /* stdout gets JSON or nothing: no lines about steps */
    bool quiet;         /* do not print the run when it is over */
};

/* Waits for the run with bars on stderr, prints it, and gives the exit code. */
int spira_run_wait(const struct spira_worker *worker, const char *run_id,
                   const struct spira_run_wait *how);

#endif
