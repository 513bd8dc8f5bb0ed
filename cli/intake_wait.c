#include "cli/intake_wait.h"

#include "workers/common/loop/dead_letter.h"

/* One event that was sent. The time makes it this one: a recording may have been sent before. */
struct spira_awaited {
    const char *recording_id; /* borrowed from the event */
    int64_t collected_at;
    bool settled;
};

enum answer { ACCEPTED, REJECTED, DEAD, ANSWERS };

static const char *const answer_events[ANSWERS] = {"audio.accepted", "audio.rejected",
                                                   ("audio.collected" SPIRA_DEAD_LETTER_SUFFIX)};

static int by_identity(const void *a, const void *b)
{
    const struct spira_awaited *left = a, *right = b;
    int order = strcmp(left->recording_id, right->recording_id);
    return order ? order
                 : (left->collected_at > right->collected_at) -
                       (left->collected_at < right->collected_at);
}

/* Gives what the topic holds; a topic that is not there holds nothing: nobody has made one for dead
 * letters, perhaps. */
static enum spira_code ranges_of(const struct spira_worker *worker, const char *event,
                                 struct spira_offset_range **ret_ranges, size_t *ret_count,
                                 struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(worker, event);
    struct spira_error why;
    enum spira_code code = spira_bus_ranges(worker->bus, topic, ret_ranges, ret_count, &why);
    if (code == SPIRA_ENOTFOUND)
        return SPIRA_OK;
    if (code != SPIRA_OK)
        *err = why;
    return code;
}

static struct spira_offset_range *add_position(struct spira_intake_wait *wait,
                                               const struct spira_offset_range *range, int64_t from)
{
    wait->positions =
        spira_realloc(wait->positions, wait->position_count + 1, sizeof *wait->positions);
    struct spira_offset_range *position = &wait->positions[wait->position_count++];
    *position = *range;
    position->from = from;
    return position;
}

static struct spira_offset_range *find_position(struct spira_intake_wait *wait,
                                                const struct spira_offset_range *range)
{
    for (size_t i = 0; i < wait->position_count; i++)
        if (wait->positions[i].partition == range->partition &&
            strcmp(wait->positions[i].topic, range->topic) == 0)
            return &wait->positions[i];
    return add_position(wait, range, range->from); /* it was not there when the wait began */
}

enum spira_code spira_intake_wait_begin(const struct spira_worker *worker,
                                        const struct spira_value *events,
                                        struct spira_intake_wait *ret_wait, struct spira_error *err)
{
    struct spira_intake_wait wait = {
        .worker = worker,
        .count = spira_value_count(events),
        .rejected = spira_value_list(),
        .failed = spira_value_list(),
    };
    wait.awaited = spira_alloc(wait.count, sizeof *wait.awaited);
    for (size_t i = 0; i < wait.count; i++) {
        const struct spira_value *event = spira_value_at(events, i);
        wait.awaited[i] = (struct spira_awaited){
            .recording_id = spira_value_get_text(event, "recording_id", ""),
            .collected_at = spira_value_get_int(event, SPIRA_COLLECTED_AT, 0),
        };
    }
    qsort(wait.awaited, wait.count, sizeof *wait.awaited, by_identity);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < ANSWERS; i++) {
        SPIRA_CLEANUP(spira_free_at)
        struct spira_offset_range *ranges = NULL;
        size_t count = 0;
        code = ranges_of(worker, answer_events[i], &ranges, &count, err);
        for (size_t j = 0; j < count; j++)
            add_position(&wait, &ranges[j], ranges[j].to);
    }
    if (code != SPIRA_OK) {
        spira_intake_wait_done(&wait);
        return code;
    }
    *ret_wait = wait;
    return SPIRA_OK;
}

void spira_intake_wait_done(struct spira_intake_wait *wait)
{
    free(wait->awaited);
    free(wait->positions);
    spira_value_free(wait->rejected);
    spira_value_free(wait->failed);
    *wait = (struct spira_intake_wait){0};
}

/* The event this answer is to, unless it is none of ours or was answered before. */
static struct spira_awaited *find_awaited(const struct spira_intake_wait *wait,
                                          const struct spira_value *answer)
{
    const struct spira_awaited wanted = {
        .recording_id = spira_value_get_text(answer, "recording_id", ""),
        .collected_at = spira_value_get_int(answer, SPIRA_COLLECTED_AT, 0),
    };
    struct spira_awaited *found =
        bsearch(&wanted, wait->awaited, wait->count, sizeof *wait->awaited, by_identity);
    return found && !found->settled ? found : NULL;
}

static void add_note(struct spira_value *list, const char *recording_id, const char *reason,
                     const char *message)
{
    struct spira_value *note = spira_value_append(list, spira_value_map());
    spira_value_set_text(note, "recording_id", recording_id);
    spira_value_set_text(note, "reason", reason);
    spira_value_set_text(note, "message", message);
}

/* A look at one topic. */
struct look {
    struct spira_intake_wait *wait;
    enum answer answer;
    struct spira_offset_range *position;
};

static void settle(struct look *look, const struct spira_message *message,
                   const struct spira_value *value)
{
    struct spira_intake_wait *wait = look->wait;
    struct spira_awaited *awaited = find_awaited(wait, value);
    if (!awaited)
        return;
    awaited->settled = true;
    wait->settled++;
    if (look->answer == ACCEPTED)
        wait->accepted++;
    else if (look->answer == REJECTED)
        add_note(wait->rejected, awaited->recording_id, spira_value_get_text(value, "reason", ""),
                 spira_value_get_text(value, "message", ""));
    else
        add_note(wait->failed, awaited->recording_id, spira_message_header(message, "dlq-reason"),
                 spira_message_header(message, "dlq-error"));
}

static enum spira_code visit(void *context, const struct spira_message *message,
                             struct spira_error *err)
{
    (void)err;
    struct look *look = context;
    const struct spira_worker *worker = look->wait->worker;
    const char *event;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    struct spira_error unreadable; /* nothing of ours */
    enum spira_code code =
        look->answer == DEAD
            ? spira_event_decode(worker->codec, message->value, message->size, &value, &unreadable)
            : spira_event_open(worker, message, &event, &value, &unreadable);
    if (code == SPIRA_OK)
        settle(look, message, value);
    look->position->from = message->offset + 1;
    return SPIRA_OK;
}

static enum spira_code look_at(struct spira_intake_wait *wait, enum answer answer,
                               struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = ranges_of(wait->worker, answer_events[answer], &ranges, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        struct look look = {
            .wait = wait, .answer = answer, .position = find_position(wait, &ranges[i])};
        struct spira_offset_range fresh = ranges[i];
        fresh.from = look.position->from;
        if (fresh.from >= fresh.to)
            continue;
        code = spira_bus_read(wait->worker->bus, &fresh, visit, &look, err);
        if (code == SPIRA_OK)
            look.position->from = fresh.to;
    }
    return code;
}

enum spira_code spira_intake_wait_look(struct spira_intake_wait *wait, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    for (enum answer answer = ACCEPTED; code == SPIRA_OK && answer < ANSWERS; answer++)
        code = look_at(wait, answer, err);
    return code;
}
