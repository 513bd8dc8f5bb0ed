#include "workers/common/step/step_handler.h"

#include <assert.h>

#include "workers/common/loop/lease.h"
#include "workers/common/run/run_object.h"
#include "workers/common/step/step_runner.h"

static const struct spira_step *find_step(const struct spira_step_handler *handler,
                                          const struct spira_message *message)
{
    size_t prefix = strlen(handler->worker->topic_prefix);
    for (size_t i = 0; strlen(message->topic) > prefix && i < handler->count; i++)
        if (strcmp(message->topic + prefix, handler->steps[i]->consumes) == 0)
            return handler->steps[i];
    return NULL;
}

/* Before the step of a run: fills ret_handled and ret_begin when it should begin. */
static enum spira_code look_first(const struct spira_worker *worker,
                                  const struct spira_message *message, bool *ret_begin,
                                  struct spira_handled *ret_handled, struct spira_error *err)
{
    const char *run_id = spira_message_header(message, "ce_subject");
    bool over = false, elsewhere = false;
    enum spira_code code = SPIRA_OK;
    if (run_id) /* else its event says more of what is wrong with it */
        code = spira_run_look(worker, run_id, &over, err);
    if (code == SPIRA_OK && run_id && !over)
        code = spira_lease_elsewhere(worker, run_id, message, &elsewhere, err);
    if (code != SPIRA_OK)
        return code;
    *ret_begin = !over && !elsewhere;
    if (over) {
        ret_handled->outcome = "skipped";
    } else if (elsewhere) {
        ret_handled->rewind = true;
        ret_handled->rewind_to = message->offset;
    }
    return SPIRA_OK;
}

static enum spira_code handle(void *self, const struct spira_message *message,
                              struct spira_progress progress, struct spira_handled *ret_handled,
                              struct spira_error *err)
{
    const struct spira_step_handler *handler = self;
    const struct spira_step *step = find_step(handler, message);
    if (!step)
        return spira_fail(err, SPIRA_EBUG, "%s: no step consumes this topic", message->topic);
    bool begin = true;
    enum spira_code code = SPIRA_OK;
    if (handler->by_run)
        code = look_first(handler->worker, message, &begin, ret_handled, err);
    if (code != SPIRA_OK || !begin)
        return code;
    struct spira_step_outcome outcome = {0};
    code = spira_step_run(handler->worker, step, message, progress, &outcome, err);
    if (outcome.attempts > 0)
        spira_metric_add(handler->metrics->child_attempts, outcome.attempts,
                         SPIRA_LABELS(step->name, code == SPIRA_OK ? outcome.status : "error"));
    if (code != SPIRA_OK)
        return code;
    spira_step_outcome_log(&outcome, step, message);
    ret_handled->outcome = outcome.status;
    ret_handled->seconds = outcome.seconds;
    ret_handled->attempts = outcome.attempts;
    ret_handled->signal = outcome.signal;
    ret_handled->failure = outcome.failure;
    ret_handled->dead_letter = spira_step_gave_up(outcome.failure.code);
    return SPIRA_OK;
}

void spira_step_handler_init(struct spira_step_handler *handler, const struct spira_worker *worker,
                             const struct spira_worker_metrics *metrics,
                             const struct spira_step *const *steps, size_t count,
                             struct spira_handler *ret_handler)
{
    assert(count >= 1 && count <= SPIRA_STEPS_MAX);
    *handler = (struct spira_step_handler){.worker = worker,
                                           .metrics = metrics,
                                           .steps = steps,
                                           .count = count,
                                           .by_run = strncmp(steps[0]->consumes, "audio.", 6) != 0};
    for (size_t i = 0; i < count; i++)
        handler->events[i] = steps[i]->consumes;
    *ret_handler = (struct spira_handler){
        .name = steps[0]->name,
        .events = handler->events,
        .event_count = count,
        .by_run = handler->by_run,
        .handle = handle,
        .self = handler,
    };
}
