#include "workers/common/loop/task.h"

#include <stdatomic.h>

#include "core/base/memory.h"
#include "core/base/thread.h"

struct spira_task {
    const struct spira_handler *handler;
    const struct spira_message *message;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below but stop */
    pthread_cond_t finished;
    bool is_finished, has_report;
    struct spira_progress_report report;
    enum spira_code code;
    struct spira_handled handled;
    struct spira_error err;
    atomic_int stop; /* enum spira_stop */
};

static void report(void *self, const struct spira_progress_report *report)
{
    struct spira_task *task = self;
    pthread_mutex_lock(&task->lock);
    task->report = *report;
    task->has_report = true;
    pthread_mutex_unlock(&task->lock);
}

static bool stop_wanted(void *self)
{
    return spira_task_stopped(self) != SPIRA_STOP_NONE;
}

static void *run(void *context)
{
    static const struct spira_progress_ops ops = {.report = report, .stop_wanted = stop_wanted};
    struct spira_task *task = context;
    struct spira_handled handled = {.outcome = ""};
    struct spira_error err = {0};
    enum spira_code code =
        task->handler->handle(task->handler->self, task->message,
                              (struct spira_progress){.ops = &ops, .self = task}, &handled, &err);
    pthread_mutex_lock(&task->lock);
    task->code = code;
    task->handled = handled;
    task->err = err;
    task->is_finished = true;
    pthread_cond_signal(&task->finished);
    pthread_mutex_unlock(&task->lock);
    return NULL;
}

static void free_task(struct spira_task *task)
{
    pthread_cond_destroy(&task->finished);
    pthread_mutex_destroy(&task->lock);
    free(task);
}

enum spira_code spira_task_start(const struct spira_handler *handler,
                                 const struct spira_message *message, struct spira_task **ret_task,
                                 struct spira_error *err)
{
    struct spira_task *task = spira_alloc(1, sizeof *task);
    task->handler = handler;
    task->message = message;
    pthread_mutex_init(&task->lock, NULL);
    pthread_cond_init(&task->finished, NULL);
    enum spira_code code = spira_thread_start(run, task, handler->name, &task->thread, err);
    if (code != SPIRA_OK) {
        free_task(task);
        return code;
    }
    *ret_task = task;
    return SPIRA_OK;
}

bool spira_task_wait(struct spira_task *task, int timeout_ms)
{
    pthread_mutex_lock(&task->lock);
    bool finished = spira_thread_wait(&task->finished, &task->lock, &task->is_finished, timeout_ms);
    pthread_mutex_unlock(&task->lock);
    return finished;
}

void spira_task_stop(struct spira_task *task, enum spira_stop why)
{
    if (why > spira_task_stopped(task)) /* by one thread */
        atomic_store(&task->stop, (int)why);
}

enum spira_stop spira_task_stopped(const struct spira_task *task)
{
    return (enum spira_stop)atomic_load(&task->stop);
}

bool spira_task_report(struct spira_task *task, struct spira_progress_report *ret_report)
{
    pthread_mutex_lock(&task->lock);
    bool has = task->has_report;
    if (has)
        *ret_report = task->report;
    pthread_mutex_unlock(&task->lock);
    return has;
}

enum spira_code spira_task_end(struct spira_task *task, struct spira_handled *ret_handled,
                               struct spira_error *err)
{
    pthread_join(task->thread, NULL);
    enum spira_code code = task->code;
    *ret_handled = task->handled;
    *err = task->err;
    free_task(task);
    return code;
}
