/* Runs a step's computation in a process of its own, the parent's side: what a broken recording or
 * a defect does to a computation, it does to that process alone.
 *
 * The child is this program again, started as `<program> --child DIR`; its main hands that over to
 * spira_child_main (child_main.h) before anything else. Between the two lie files in DIR, the
 * call's folder: `job.json` from the parent, `in` and `out` with what the computation reads and
 * writes, and at its end `result.json` or `error.json`. A pipe carries progress. The child inherits
 * no descriptor and, of the environment, only what changes how it computes: it holds no credential.
 */
#ifndef SPIRA_WORKERS_COMMON_CHILD_CHILD_PROCESS_H
#define SPIRA_WORKERS_COMMON_CHILD_CHILD_PROCESS_H

#include "workers/common/child/checkpoints.h"
#include "workers/common/step/step.h"

struct spira_child_settings {
    const char *program;       /* NULL: this very program, also when its file was replaced */
    uint64_t memory_bytes;     /* of address space; 0: no limit; none under sanitizers */
    uint64_t file_bytes;       /* largest file it may write; 0: no limit */
    unsigned cpu_seconds;      /* of an attempt, over all threads; 0: no limit */
    unsigned deadline_seconds; /* of an attempt; 0: none */
    unsigned grace_seconds;    /* between asking it to stop and killing it */
    unsigned attempts;         /* computations that come to no end before one gives up; least 1 */
    unsigned backoff_ms;       /* wait after the first of them, doubled each time */
};

/* No limit and no deadline; 10 seconds of grace; 3 attempts, 1 second apart at first. */
extern const struct spira_child_settings spira_child_defaults;

/* A spira_compute (worker.h) with the settings worker->child (NULL: the defaults). Fills the call's
 * attempts and signal.
 *
 * A failure that the computation reports is its code, at the first attempt. One that comes to no
 * end is computed again from its newest checkpoint; when attempts are used up, SPIRA_ECRASHED (also
 * for a broken invariant), SPIRA_EOVERRAN (the deadline or the limit of processor time) or
 * SPIRA_EOUTGREW (memory or the size of a file): the message names the step, how the child ended,
 * the attempts and the last line it wrote to stderr. SPIRA_EINTERRUPTED when a stop was wanted, or
 * somebody else told the child to stop: it has ended by then, the newest checkpoint is stored.
 * SPIRA_EIO when no process could be started. What the child writes to stderr goes to the parent's,
 * at most 64 KiB of it.
 *
 * Blocks; any number of threads at once. A child dies with the thread that called this. The program
 * must not ignore SIGCHLD nor wait for children that are not its own. */
SPIRA_MUST_USE enum spira_code spira_compute_in_child(struct spira_step_call *call,
                                                      const struct spira_step *step,
                                                      struct spira_checkpoints *checkpoints,
                                                      struct spira_value **ret_result,
                                                      struct spira_error *err);

#endif
