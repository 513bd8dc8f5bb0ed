/* The loop while a message is in hand, and what the loop knows from one moment to the next. For
 * loop.c alone. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_BUSY_H
#define SPIRA_WORKERS_COMMON_LOOP_BUSY_H

#include "workers/common/loop/backoff.h"
#include "workers/common/loop/loop.h"
#include "workers/common/loop/task.h"

/* Behind this offset of its partition the group may go on: not committed yet. */
struct spira_dealt {
    char topic[SPIRA_TOPIC_MAX];
    int32_t partition;
    int64_t offset;
};

struct spira_busy {
    const struct spira_loop *loop;
    struct spira_consumer consumer; /* zeroed until the group is joined */
    struct spira_backoff backoff;
    bool paused;
    bool broken;             /* the consumer cannot go on */
    enum spira_stop stopped; /* why the last task was asked to stop */
    int64_t first_failed_ms; /* of the message in hand, since the epoch; 0: it did not */
    int64_t warned_ms, looked_ms;
    struct spira_dealt *dealt; /* one for each partition; of a handler that repeats */
    size_t dealt_count;
    int64_t dealt_ms; /* when the oldest of them was */
};

/* The loop goes round. */
void spira_busy_beat(struct spira_busy *busy);

/* Pauses what is owned and serves the group, for which nothing may come. SPIRA_EBUG. */
SPIRA_MUST_USE enum spira_code spira_busy_pump(struct spira_busy *busy, struct spira_error *err);

/* Messages come again. */
void spira_busy_resume(struct spira_busy *busy);

/* Lets the handler deal with message while the group is served; asks it to stop when the process
 * should end, the run was canceled, or another worker took the message over. Renews the lease and
 * shows progress each second. Codes of the handler; busy->broken: of the consumer. */
SPIRA_MUST_USE enum spira_code spira_busy_handle(struct spira_busy *busy,
                                                 const struct spira_message *message,
                                                 struct spira_handled *ret_handled,
                                                 struct spira_error *err);

/* Goes on behind a message that is committed, though a rebalance meanwhile set the member back to
 * before it. */
SPIRA_MUST_USE enum spira_code spira_busy_pass(struct spira_busy *busy,
                                               const struct spira_message *message,
                                               struct spira_error *err);

#endif
