#include "workers/run_tracker/tracker_handler.h"

#include "workers/common/log.h"
#include "workers/run_tracker/run_tracker.h"

/* Offsets that hold nothing and are passed over in one go, and how long the loop is kept waiting.
 */
enum { SKIP_MOST = 1000, LOOK_MS = 5000 };

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
    size_t looked_at; /* partitions, since the process began */
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

/* The group has committed what is before `until`. */
static void note_redo(struct tracker *tracker, const char *topic, int32_t partition, int64_t until)
{
    struct redo *redo = find_redo(tracker, topic, partition);
    if (!redo) {
        tracker->redos = spira_realloc(tracker->redos, tracker->count + 1, sizeof *tracker->redos);
        redo = &tracker->redos[tracker->count++];
        snprintf(redo->topic, sizeof redo->topic, "%s", topic);
        redo->partition = partition;
        redo->until = 0;
    }
    if (until > redo->until)
        redo->until = until;
}

/* Gives what a partition holds. */
static enum spira_code get_range(const struct tracker *tracker, const char *topic,
                                 int32_t partition, struct spira_offset_range *ret_range,
                                 struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *held = NULL;
    size_t count = 0;
    enum spira_code code = spira_bus_ranges(tracker->worker->bus, topic, &held, &count, err);
    if (code == SPIRA_OK && (size_t)partition < count)
        *ret_range = held[partition];
    else if (code == SPIRA_OK || code == SPIRA_ENOTFOUND) /* gone, but a message of it is here */
        code = spira_fail(err, SPIRA_EUNREACHABLE, "%s: no partition %d", topic, (int)partition);
    return code;
}

/* Ends a read at the first message. */
static enum spira_code note_first(void *context, const struct spira_message *message,
                                  struct spira_error *err)
{
    *(int64_t *)context = message->offset;
    return spira_fail(err, SPIRA_EINTERRUPTED, "enough is read");
}

/* Gives the first message from the offset on, which is this one at the latest. Not every offset
 * holds one: those before may have expired, and a transaction leaves offsets of its own. */
static enum spira_code find_first(const struct tracker *tracker,
                                  const struct spira_message *message, int64_t from,
                                  int64_t *ret_first, struct spira_error *err)
{
    struct spira_offset_range range = {0};
    enum spira_code code = get_range(tracker, message->topic, message->partition, &range, err);
    if (code != SPIRA_OK)
        return code;
    *ret_first = message->offset;
    range.from = from > range.from ? from : range.from;
    range.to = message->offset;
    if (range.from >= range.to)
        return SPIRA_OK;
    code = spira_bus_read(tracker->worker->bus, &range, note_first, ret_first, err);
    if (*ret_first < message->offset)
        return SPIRA_OK;
    if (code == SPIRA_ENOTFOUND) /* expired just now */
        err->code = code = SPIRA_EUNREACHABLE;
    return code;
}

/* The state is behind the message: puts it behind the offsets that hold nothing, and gives the
 * offset to go on at. */
static enum spira_code go_back(struct tracker *tracker, const struct spira_message *message,
                               struct spira_progress progress, int64_t *ret_from,
                               struct spira_error *err)
{
    const struct spira_worker *worker = tracker->worker;
    int64_t applied = 0;
    enum spira_code code =
        spira_state_applied(worker->state, message->topic, message->partition, &applied, err);
    if (code == SPIRA_OK)
        code = find_first(tracker, message, applied, ret_from, err);
    while (code == SPIRA_OK && applied < *ret_from) {
        if (spira_progress_stop_wanted(progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped at offset %jd", (intmax_t)applied);
        applied = *ret_from - applied > SKIP_MOST ? applied + SKIP_MOST : *ret_from;
        code = spira_run_tracker_skip(worker, message->topic, message->partition, applied, err);
    }
    if (code == SPIRA_ECONFLICT) /* cleared meanwhile: the same again */
        err->code = code = SPIRA_EUNREACHABLE;
    if (code == SPIRA_OK)
        note_redo(tracker, message->topic, message->partition, message->offset);
    return code;
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
        code = go_back(tracker, message, progress, &ret_handled->rewind_to, err);
        if (code == SPIRA_OK && ret_handled->rewind_to == message->offset)
            code = spira_run_tracker_apply(tracker->worker, message, &value, &applied, err);
        ret_handled->rewind = !applied;
        if (code != SPIRA_OK || !applied)
            return code;
    }
    if (was_followed_up(tracker, message)) {
        ret_handled->outcome = "applied_again";
        ret_handled->committed = true;
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
        ret_handled->committed = true;
        return SPIRA_OK;
    }
    return code;
}

/* Where the state has applied more of a partition than there is, its topic was made anew, or the
 * bus lost the end of it. What the state says is not what the events say: it begins again.
 * SPIRA_ECONFLICT: it does. */
static enum spira_code begin_again(struct tracker *tracker, const struct spira_position *position,
                                   int64_t applied, struct spira_error *err)
{
    struct spira_offset_range held = {0};
    enum spira_code code = get_range(tracker, position->topic, position->partition, &held, err);
    if (code != SPIRA_OK || applied <= held.to)
        return code;
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "topic", position->topic);
    spira_value_set_int(fields, "partition", position->partition);
    spira_log(SPIRA_LOG_ERROR, fields,
              "the run state has applied up to offset %jd of a partition that ends at %jd: the "
              "topic was made anew; making the state anew",
              (intmax_t)applied, (intmax_t)held.to);
    for (size_t i = 0; i < tracker->count; i++)
        tracker->redos[i].until = 0;
    code = spira_state_clear(tracker->worker->state, err);
    return code == SPIRA_OK ? spira_fail(err, SPIRA_ECONFLICT, "the run state was cleared") : code;
}

/* Passes over what expired before it was applied; *applied is where the state is then. False: more
 * is left than the loop can wait for. */
static enum spira_code pass_expired(struct tracker *tracker, const struct spira_position *position,
                                    int64_t *applied, bool *ret_done, struct spira_error *err)
{
    struct spira_offset_range held = {0};
    enum spira_code code = get_range(tracker, position->topic, position->partition, &held, err);
    *ret_done = code == SPIRA_OK && held.from - *applied <= SKIP_MOST;
    if (code != SPIRA_OK || held.from <= *applied)
        return code;
    *applied = *ret_done ? held.from : *applied + SKIP_MOST;
    return spira_run_tracker_skip(tracker->worker, position->topic, position->partition, *applied,
                                  err);
}

/* Goes back where the state is behind. SPIRA_ECONFLICT: something changed meanwhile. */
static enum spira_code catch_up(struct tracker *tracker, struct spira_consumer consumer,
                                const struct spira_position *position, struct spira_error *err)
{
    int64_t applied = 0;
    enum spira_code code = spira_state_applied(tracker->worker->state, position->topic,
                                               position->partition, &applied, err);
    if (code != SPIRA_OK || applied == position->next)
        return code;
    if (applied > position->next)
        return begin_again(tracker, position, applied, err);
    note_redo(tracker, position->topic, position->partition, position->committed);
    bool done = false;
    code = pass_expired(tracker, position, &applied, &done, err);
    if (code != SPIRA_OK || !done)
        return code;
    code = spira_consumer_seek(consumer, position->topic, position->partition, applied, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "topic", position->topic);
    spira_value_set_int(fields, "partition", position->partition);
    spira_value_set_int(fields, "offset", applied);
    spira_log(SPIRA_LOG_WARNING, fields, "the run state is behind offset %jd, going back to it",
              (intmax_t)position->next);
    return SPIRA_OK;
}

/* Looks at the partitions in turn, and at no more of them than there is time for. */
static enum spira_code look(struct tracker *tracker, struct spira_consumer consumer,
                            struct spira_error *err)
{
    const struct spira_clock clock = tracker->worker->clock;
    const int64_t until_ms = spira_clock_monotonic_ms(clock) + LOOK_MS;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_position *positions = NULL;
    size_t count = 0;
    enum spira_code code = spira_consumer_positions(consumer, &positions, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        code = catch_up(tracker, consumer, &positions[tracker->looked_at++ % count], err);
        if (spira_clock_monotonic_ms(clock) >= until_ms)
            break;
    }
    return code;
}

static enum spira_code idle(void *self, struct spira_consumer consumer, struct spira_error *err)
{
    enum spira_code code = look(self, consumer, err);
    if (code == SPIRA_ECONFLICT)
        code = look(self, consumer, err);
    return code == SPIRA_ECONFLICT ? SPIRA_OK : code; /* in a second again */
}

void spira_tracker_handler(const struct spira_worker *worker, struct spira_handler *ret_handler)
{
    struct tracker *tracker = spira_alloc(1, sizeof *tracker);
    tracker->worker = worker;
    *ret_handler = (struct spira_handler){
        .name = "run_tracker", .repeats = true, .handle = handle, .idle = idle, .self = tracker};
    ret_handler->events = spira_run_tracker_events(&ret_handler->event_count);
}
