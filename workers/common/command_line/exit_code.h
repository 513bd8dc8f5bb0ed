/* How our programs end: the exit codes scripts rely on, and the one line that says why. */
#ifndef SPIRA_WORKERS_COMMON_COMMAND_LINE_EXIT_CODE_H
#define SPIRA_WORKERS_COMMON_COMMAND_LINE_EXIT_CODE_H

#include "core/base/error.h"

enum spira_exit {
    SPIRA_EXIT_SUCCESS = 0,
    SPIRA_EXIT_FAILED = 1,
    SPIRA_EXIT_USAGE = 2, /* the command line, a configuration or a list of files is wrong */
    SPIRA_EXIT_NOT_FOUND = 3,
    SPIRA_EXIT_REJECTED = 4,
    SPIRA_EXIT_CANCELED = 5,
    SPIRA_EXIT_UNREACHABLE = 6,
    SPIRA_EXIT_BUG = 70, /* of a worker: a broken promise, or a client beyond repair; restart it */
    SPIRA_EXIT_TIMED_OUT = 124, /* what was waited for did not come in time */
    SPIRA_EXIT_SIGNAL = 128     /* plus the signal's number */
};

/* The exit code of a failure. What is not valid is SPIRA_EXIT_FAILED: a recording, a model. */
int spira_exit_code(enum spira_code code);

/* The same, but what is not valid is SPIRA_EXIT_USAGE: what somebody wrote to say what to do. */
int spira_exit_code_of_usage(enum spira_code code);

/* Prints "<program>: <message>" on stderr and returns the exit code of err. */
int spira_report(const struct spira_error *err);
int spira_report_usage(const struct spira_error *err);

#endif
