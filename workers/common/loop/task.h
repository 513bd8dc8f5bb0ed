/* One message in a handler's hands: a thread, what it reports, and why it should stop. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_TASK_H
#define SPIRA_WORKERS_COMMON_LOOP_TASK_H

#include "workers/common/loop/handler.h"

/* Why a task should stop; later ones outweigh earlier ones. */
enum spira_stop {
    SPIRA_STOP_NONE,
    SPIRA_STOP_CANCELED, /* its run was */
    SPIRA_STOP_SHUTDOWN,
    SPIRA_STOP_LOST /* its partition is another member's */
};

struct spira_task; /* used by one thread */

/* Starts handling message, which must live until spira_task_end. SPIRA_EIO: no thread to be had. */
SPIRA_MUST_USE enum spira_code spira_task_start(const struct spira_handler *handler,
                                                const struct spira_message *message,
                                                struct spira_task **ret_task,
                                                struct spira_error *err);

/* Whether it has finished, after waiting for that at most timeout_ms. */
bool spira_task_wait(struct spira_task *task, int timeout_ms);

/* Asks it to stop, unless it was asked for a weightier reason. */
void spira_task_stop(struct spira_task *task, enum spira_stop why);
enum spira_stop spira_task_stopped(const struct spira_task *task);

/* Fills ret_report with its newest report; false: there was none yet. */
bool spira_task_report(struct spira_task *task, struct spira_progress_report *ret_report);

/* Waits for its end, frees it and gives the handler's code, ret_handled and err. */
SPIRA_MUST_USE enum spira_code
spira_task_end(struct spira_task *task, struct spira_handled *ret_handled, struct spira_error *err);

#endif
