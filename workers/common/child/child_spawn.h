/* A child process and its two pipes. Linux: pidfd. */
#ifndef SPIRA_WORKERS_COMMON_CHILD_CHILD_SPAWN_H
#define SPIRA_WORKERS_COMMON_CHILD_CHILD_SPAWN_H

#include <sys/types.h>

#include "workers/common/child/child_protocol.h"

/* The newest whole line of a stream of lines. */
struct spira_child_lines {
    char line[SPIRA_CHILD_LINE_BYTES];
    size_t used;
    bool too_long; /* the line being read */
    char newest[SPIRA_CHILD_LINE_BYTES];
    bool has_newest;
};

struct spira_child {
    pid_t pid;                      /* also its process group; 0: none is running */
    int process, progress, output;  /* descriptors; -1: none. output: its stdout and stderr */
    struct spira_child_lines lines; /* of progress */
    char tail[1024];                /* the end of its output, zero-terminated */
    size_t forwarded;               /* bytes of it that went to our stderr */
};

#define SPIRA_CHILD_NONE ((struct spira_child){.process = -1, .progress = -1, .output = -1})

/* Starts `<program> --child <folder>` (NULL: this program) in a process group of its own, with
 * nothing of ours but its descriptors 0 to 3 and the variables that change how it computes. Fills
 * ret_child, which was SPIRA_CHILD_NONE, also on a failure: SPIRA_EIO. */
SPIRA_MUST_USE enum spira_code spira_child_start(const char *program, const char *folder,
                                                 struct spira_child *ret_child,
                                                 struct spira_error *err);

/* Waits for its end, at most this long, and reads what is in its pipes: lines.newest is the newest
 * line of progress. When it has ended, kills what it left in its group, fills ret_status (of
 * waitpid) and returns true. */
bool spira_child_wait(struct spira_child *child, int timeout_ms, int *ret_status);

/* Sends it a signal. */
void spira_child_signal(const struct spira_child *child, int number);

/* The last line it wrote, without control characters of a terminal; "" when there is none. Points
 * into child's tail, which it shortens. */
const char *spira_child_last_line(struct spira_child *child);

/* Kills what is running and closes the pipes. For SPIRA_CLEANUP. */
void spira_child_done(struct spira_child *child);

#endif
