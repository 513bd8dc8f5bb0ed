/* The life of a worker: it takes one message after another, lets a handler deal with it, and
 * commits. Steps 2 to 13 of the protocol that docs/OPERATIONS.md tells:
 *
 * - While a message is in hand its partitions are paused and polling goes on, so that the group
 *   keeps this member however long the work takes; a partition that goes to another member stops
 *   the work on its message.
 * - An offset is committed only after what follows from the message is acknowledged: at once, or,
 *   for a handler that repeats, with those that come right behind it.
 * - A transient failure is tried again in place, for ever, with growing pauses. A message that is
 *   wrong goes to <topic>.dlq and the next one proceeds.
 * - A stop takes nothing new, lets the work under way checkpoint, and leaves the group. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_LOOP_H
#define SPIRA_WORKERS_COMMON_LOOP_LOOP_H

#include "workers/common/loop/handler.h"
#include "workers/common/loop/health.h"
#include "workers/common/worker.h"

struct spira_loop {
    const struct spira_worker *worker;
    const struct spira_handler *handler;
    const struct spira_worker_metrics *metrics;
    struct spira_health *health; /* NULL: nobody looks */
    struct spira_progress stop;  /* wants a stop when the process should end */
    const char *group;           /* "spira.model_training" */
    bool accept_gap;             /* go on though messages expired unread */
    bool once;                   /* return when everything there is has been dealt with */
};

/* Runs until a stop is wanted: SPIRA_OK. SPIRA_EINVALID: messages expired that the group has not
 * read, and gaps are not accepted. SPIRA_EBUG, SPIRA_EDETERMINISM: the process should end and be
 * restarted. */
SPIRA_MUST_USE enum spira_code spira_loop_run(const struct spira_loop *loop,
                                              struct spira_error *err);

#endif
