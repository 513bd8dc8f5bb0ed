#include "workers/common/child/computation.h"

#include <errno.h>
#include <stdatomic.h>

#include "core/base/thread.h"

enum { POLL_MS = 100 };

struct thread {
    const struct spira_step_call *call;
    const struct spira_step *step;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool is_finished;
    atomic_bool abandoned; /* the worker failed: stop computing */
    enum spira_code code;
    struct spira_value *result;
    struct spira_error err;
};

static void report(void *self, const struct spira_progress_report *progress)
{
    spira_progress_report(((struct thread *)self)->call->progress, progress);
}

static bool stop_wanted(void *self)
{
    struct thread *thread = self;
    return atomic_load(&thread->abandoned) || spira_progress_stop_wanted(thread->call->progress);
}

static void *run(void *self)
{
    static const struct spira_progress_ops ops = {.report = report, .stop_wanted = stop_wanted};
    struct thread *thread = self;
    const struct spira_step_call *call = thread->call;
    struct spira_value *result = NULL;
    struct spira_error err = {0};
    enum spira_code code =
        thread->step->compute(&call->job, call->inputs, call->outputs, &call->worker->tools,
                              (struct spira_progress){.ops = &ops, .self = thread}, &result, &err);
    pthread_mutex_lock(&thread->lock);
    thread->code = code;
    thread->result = result;
    thread->err = err;
    thread->is_finished = true;
    pthread_cond_signal(&thread->finished);
    pthread_mutex_unlock(&thread->lock);
    return NULL;
}

/* Waits at most POLL_MS for the end. */
static bool wait_a_little(struct thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    bool finished =
        spira_thread_wait(&thread->finished, &thread->lock, &thread->is_finished, POLL_MS);
    pthread_mutex_unlock(&thread->lock);
    return finished;
}

/* Stores checkpoints until the computation has ended. A store that does not answer now is asked
 * again: the computation is worth more than its checkpoint. */
static enum spira_code watch(struct thread *thread, struct spira_checkpoints *checkpoints,
                             struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    while (!wait_a_little(thread)) {
        struct spira_error why;
        if (code != SPIRA_OK || spira_checkpoints_upload(checkpoints, &why) == SPIRA_OK ||
            spira_code_kind(why.code) == SPIRA_KIND_TRANSIENT)
            continue;
        *err = why;
        code = why.code;
        atomic_store(&thread->abandoned, true);
    }
    return code;
}

enum spira_code spira_compute_in_thread(struct spira_step_call *call, const struct spira_step *step,
                                        struct spira_checkpoints *checkpoints,
                                        struct spira_value **ret_result, struct spira_error *err)
{
    struct thread thread = {
        .call = call,
        .step = step,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .finished = PTHREAD_COND_INITIALIZER,
    };
    pthread_t id;
    enum spira_code code = spira_thread_start(run, &thread, call->job.step, &id, err);
    if (code != SPIRA_OK)
        return code;
    code = watch(&thread, checkpoints, err);
    pthread_join(id, NULL);
    if (code == SPIRA_OK && spira_code_kind(thread.code) == SPIRA_KIND_INTERRUPTED)
        code = spira_checkpoints_upload(checkpoints, err); /* the one it stopped with */
    if (code == SPIRA_OK && thread.code != SPIRA_OK) {
        *err = thread.err;
        code = thread.code;
    }
    if (code != SPIRA_OK) {
        spira_value_free(thread.result);
        return code;
    }
    *ret_result = thread.result;
    return SPIRA_OK;
}
