#include "workers/common/step/step_once.h"

#include "workers/common/step/step_runner.h"

struct once {
    const struct spira_worker *worker;
    const struct spira_step *step;
    const char *run_id;
    struct spira_progress progress;
    size_t found;
};

static enum spira_code take(void *context, const struct spira_message *message,
                            struct spira_error *err)
{
    struct once *once = context;
    const char *subject = spira_message_header(message, "ce_subject");
    if (!subject || strcmp(subject, once->run_id) != 0)
        return SPIRA_OK;
    once->found++;
    struct spira_step_outcome outcome = {0};
    enum spira_code code =
        spira_step_run(once->worker, once->step, message, once->progress, &outcome, err);
    if (code != SPIRA_OK)
        return code;
    spira_step_outcome_log(&outcome, once->step, message);
    if (outcome.failure.code != SPIRA_OK) {
        *err = outcome.failure;
        code = outcome.failure.code;
    }
    return code;
}

static enum spira_code take_topic(struct once *once, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(once->worker, once->step->consumes);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = spira_bus_ranges(once->worker->bus, topic, &ranges, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = spira_bus_read(once->worker->bus, &ranges[i], take, once, err);
    return code;
}

enum spira_code spira_step_once(const struct spira_worker *worker,
                                const struct spira_step *const *steps, size_t count,
                                const char *run_id, struct spira_progress progress,
                                struct spira_error *err)
{
    struct once once = {.worker = worker, .run_id = run_id, .progress = progress};
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        once.step = steps[i];
        code = take_topic(&once, err);
    }
    if (code == SPIRA_OK && once.found == 0)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: nothing on %s%s asks for this run", run_id,
                          worker->topic_prefix, steps[0]->consumes);
    return code;
}
