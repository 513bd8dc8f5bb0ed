#include "workers/run_tracker/tracker_handler.h"

#include "workers/common/log.h"
#include "workers/run_tracker/run_tracker.h"

/* A partition that was gone back in: what is before `until` is applied anew and nothing more. */
struct redo {
    char topic[SPIRA_TOPIC_MAX];
    int32_t partition;
    int64_t until;
};

struct tracker {
    const struct spira_worker *worker;
    struct redo
        *redos; /* used by the loop's thread between messages, by the handler's during one */
    size_t count;
};

static struct redo *find_redo(struct tracker *tracker, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < tracker->count; i++)
        if (tracker->redos[i].partition == partition && strcmp(tracker->redos[i].topic, topic) == 0)
            return &tracker->redos[i];
    return NULL;
}

static bool was_followed_up(struct tracker *tracker, const struct spira_message *message)
{
    const struct redo *redo = find_redo(tracker, message->topic, message->partition);
    return redo && message->offset < redo->until;
}

static enum spira_code apply(struct tracker *tracker, const struct spira_message *message,
                             struct spira_progress progress, struct spira_handled *ret_handled,
                             struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    bool applied = false;
    enum spira_code code = spira_run_tracker_apply(tracker->worker, message, &value, &applied, err);
    if (code != SPIRA_OK && (code != SPIRA_EINVALID || applied))
        return code;
    if (!applied) {
        ret_handled->rewind = true;
        return spira_state_applied(tracker->worker->state, message->topic, message->partition,
                                   &ret_handled->rewind_to, err);
    }
    if (was_followed_up(tracker, message)) {
        ret_handled->outcome = "applied_again";
        return SPIRA_OK;
    }
    ret_handled->outcome = "applied";
    code = spira_run_tracker_follow_up(tracker->worker, message, value, err);
    return code == SPIRA_OK ? spira_events_flush(tracker->worker, progress, err) : code;
}

static enum spira_code handle(void *self, const struct spira_message *message,
                              struct spira_progress progress, struct spira_handled *ret_handled,
                              struct spira_error *err)
{
    enum spira_code code = apply(self, message, progress, ret_handled, err);
    /* What is no event of ours has its dead letter from before. */
    if (code == SPIRA_EINVALID && was_followed_up(self, message)) {
        ret_handled->outcome = "applied_again";
        return SPIRA_OK;
    }
    return code;
}

static void note_redo(struct tracker *tracker, const struct spira_position *position)
{
    struct redo *redo = find_redo(tracker, position->topic, position->partition);
    if (!redo) {
        tracker->redos = spira_realloc(tracker->redos, tracker->count + 1, sizeof *tracker->redos);
        redo = &tracker->redos[tracker->count++];
        snprintf(redo->topic, sizeof redo->topic, "%s", position->topic);
        redo->partition = position->partition;
        redo->until = 0;
    }
    if (position->committed > redo->until)
        redo->until = position->committed;
}

/* The first offset at or behind `from` that the partition still holds: what expired before it is
 * passed over. */
static enum spira_code find_held(struct tracker *tracker, const struct spira_position *position,
                                 int64_t *from, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *held = NULL;
    size_t count = 0;
    enum spira_code code =
        spira_bus_ranges(tracker->worker->bus, position->topic, &held, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        if (held[i].partition != position->partition || held[i].from <= *from)
            continue;
        *from = held[i].from;
        code = spira_run_tracker_skip(tracker->worker, position->topic, position->partition,
                                      held[i].from, err);
    }
    return code;
}

/* Goes back where the state is behind. */
static enum spira_code catch_up(struct tracker *tracker, struct spira_consumer consumer,
                                const struct spira_position *position, struct spira_error *err)
{
    int64_t applied = 0;
    enum spira_code code = spira_state_applied(tracker->worker->state, position->topic,
                                               position->partition, &applied, err);
    if (code != SPIRA_OK || applied >= position->next)
        return code;
    note_redo(tracker, position);
    code = find_held(tracker, position, &applied, err);
    if (code != SPIRA_OK)
        return code;
    code = spira_consumer_seek(consumer, position->topic, position->partition, applied, err);
    if (code != SPIRA_OK)
        return code == SPIRA_ECONFLICT ? SPIRA_OK : code;
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "topic", position->topic);
    spira_value_set_int(fields, "partition", position->partition);
    spira_value_set_int(fields, "offset", applied);
    spira_log(SPIRA_LOG_WARNING, fields, "the run state is behind offset %jd, going back to it",
              (intmax_t)position->next);
    return SPIRA_OK;
}

static enum spira_code idle(void *self, struct spira_consumer consumer, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_position *positions = NULL;
    size_t count = 0;
    enum spira_code code = spira_consumer_positions(consumer, &positions, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = catch_up(self, consumer, &positions[i], err);
    return code;
}

void spira_tracker_handler(const struct spira_worker *worker, struct spira_handler *ret_handler)
{
    struct tracker *tracker = spira_alloc(1, sizeof *tracker);
    tracker->worker = worker;
    *ret_handler = (struct spira_handler){
        .name = "run_tracker", .events = NULL, .handle = handle, .idle = idle, .self = tracker};
    ret_handler->events = spira_run_tracker_events(&ret_handler->event_count);
}
