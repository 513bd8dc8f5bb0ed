#include "workers/common/loop/loop.h"

#include "workers/common/log.h"
#include "workers/common/loop/backoff.h"
#include "workers/common/loop/busy.h"
#include "workers/common/loop/dead_letter.h"
#include "workers/common/run/events.h"

enum {
    POLL_MS = 100,
    COMMIT_PAUSE_MS = 500,
    DEFER_MS = 300, /* before a message that is another's work is looked at again */
    SECOND_MS = 1000,
    JOIN_PAUSE_MAX_MS = 5000,
    WARN_EVERY_MS = 30000
};

/* What becomes of a message after an attempt. */
enum verdict {
    COMMIT, /* dealt with: the group goes on behind it */
    RETRY,  /* in place, after a pause */
    LEAVE,  /* neither: it comes again, here or elsewhere */
    DIE     /* the process cannot go on */
};

static bool stop_wanted(const struct spira_busy *busy)
{
    return spira_progress_stop_wanted(busy->loop->stop);
}

/* Says a failure that may last, at most every WARN_EVERY_MS. */
static void warn(struct spira_busy *busy, const struct spira_error *why, const char *what)
{
    int64_t now = spira_clock_monotonic_ms(busy->loop->worker->clock);
    if (busy->warned_ms && now - busy->warned_ms < WARN_EVERY_MS)
        return;
    busy->warned_ms = now;
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "error", why->message);
    spira_log(SPIRA_LOG_WARNING, fields, "%s", what);
}

/* Waits while the health beats; polls on when the group is joined. */
static enum spira_code wait_ms(struct spira_busy *busy, int milliseconds, struct spira_error *err)
{
    const struct spira_clock clock = busy->loop->worker->clock;
    int64_t until = spira_clock_monotonic_ms(clock) + milliseconds;
    enum spira_code code = SPIRA_OK;
    for (;;) {
        int64_t left = until - spira_clock_monotonic_ms(clock);
        if (left <= 0 || code != SPIRA_OK || stop_wanted(busy))
            return code;
        spira_clock_sleep_ms(clock, left < POLL_MS ? left : POLL_MS);
        code = spira_busy_pump(busy, err);
    }
}

static void log_message(enum spira_log_level level, const struct spira_message *message,
                        const char *error, const char *text)
{
    if (!spira_log_enabled(level))
        return;
    static const char *const headers[][2] = {{"ce_subject", "run_id"}, {"ce_id", "event_id"}};
    struct spira_value *fields = spira_value_map();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const char *header = spira_message_header(message, headers[i][0]);
        if (header)
            spira_value_set_text(fields, headers[i][1], header);
    }
    spira_value_set_text(fields, "topic", message->topic);
    spira_value_set_int(fields, "partition", message->partition);
    spira_value_set_int(fields, "offset", message->offset);
    if (error)
        spira_value_set_text(fields, "error", error);
    spira_log(level, fields, "%s", text);
}

static void count(const struct spira_busy *busy, const struct spira_message *message,
                  const char *outcome)
{
    spira_metric_add(busy->loop->metrics->messages, 1, SPIRA_LABELS(message->topic, outcome));
}

/* Puts the message aside; what came of it says why. */
static enum spira_code put_aside(struct spira_busy *busy, const struct spira_message *message,
                                 const struct spira_handled *handled, struct spira_error *err)
{
    const struct spira_worker *worker = busy->loop->worker;
    const struct spira_dead_letter letter = {
        .message = message,
        .group = busy->loop->group,
        .failure = handled->failure,
        .attempts = handled->attempts ? handled->attempts : 1,
        .signal = handled->signal,
        .first_failed_ms = busy->first_failed_ms,
        .last_failed_ms = spira_clock_now_ms(worker->clock),
    };
    enum spira_code code = spira_dead_letter_send(worker, &letter, err);
    while (code == SPIRA_OK) {
        code = spira_bus_flush(worker->bus, POLL_MS, err);
        if (code == SPIRA_OK)
            break;
        if (code != SPIRA_ETIMEOUT) /* any other says that the letter was refused and is gone */
            return code;
        if (stop_wanted(busy))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped before a dead letter arrived");
        code = spira_busy_pump(busy, err);
    }
    if (code != SPIRA_OK)
        return code;
    spira_metric_add(busy->loop->metrics->dead_letters, 1,
                     SPIRA_LABELS(message->topic, spira_code_name(letter.failure.code)));
    log_message(SPIRA_LOG_ERROR, message, letter.failure.message, "put aside as a dead letter");
    return SPIRA_OK;
}

/* The same, for as long as it takes: the message is not handled again for it, when its run may be
 * over and nothing would say that the message ought to be put aside. */
static enum spira_code put_aside_patiently(struct spira_busy *busy,
                                           const struct spira_message *message,
                                           const struct spira_handled *handled,
                                           struct spira_error *err)
{
    for (;;) {
        enum spira_code code = put_aside(busy, message, handled, err);
        if (spira_code_kind(code) != SPIRA_KIND_TRANSIENT)
            return code;
        warn(busy, err, "cannot put a message aside, will try again");
        code = wait_ms(busy, spira_backoff_next_ms(&busy->backoff), err);
        if (code != SPIRA_OK)
            return code;
        if (stop_wanted(busy))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped before a dead letter arrived");
    }
}

/* What the kind of a failure asks for; handled is told what to say of it. */
static enum verdict judge(struct spira_busy *busy, const struct spira_message *message,
                          const struct spira_error *why, struct spira_handled *handled)
{
    switch (spira_code_kind(why->code)) {
    case SPIRA_KIND_TRANSIENT:
        log_message(SPIRA_LOG_WARNING, message, why->message, "failed for now, will try again");
        spira_metric_add(busy->loop->metrics->retries, 1, SPIRA_LABELS(spira_code_name(why->code)));
        return RETRY;
    case SPIRA_KIND_INVALID:
        handled->outcome = "dead_letter";
        handled->dead_letter = true;
        handled->failure = *why;
        return COMMIT;
    case SPIRA_KIND_INTERRUPTED:
        handled->outcome = busy->stopped == SPIRA_STOP_CANCELED ? "canceled" : "interrupted";
        log_message(SPIRA_LOG_INFO, message, NULL, handled->outcome);
        return busy->stopped == SPIRA_STOP_CANCELED ? COMMIT : LEAVE;
    case SPIRA_KIND_FENCED:
        handled->outcome = "fenced";
        log_message(SPIRA_LOG_INFO, message, why->message, "somebody else has dealt with it");
        return COMMIT;
    default:
        return DIE;
    }
}

/* The group goes on behind the message, unless its partition is another member's by now. */
static enum spira_code commit(struct spira_busy *busy, const struct spira_message *message,
                              struct spira_error *err)
{
    for (;;) {
        enum spira_code code = spira_consumer_commit(busy->consumer, message, err);
        if (code == SPIRA_OK)
            return spira_busy_pass(busy, message, err);
        if (code == SPIRA_ECONFLICT) {
            count(busy, message, "fenced");
            log_message(SPIRA_LOG_INFO, message, err->message, "dealt with, not committed");
            return SPIRA_OK;
        }
        if (spira_code_kind(code) != SPIRA_KIND_TRANSIENT || stop_wanted(busy))
            return stop_wanted(busy) ? SPIRA_OK : code;
        warn(busy, err, "cannot commit, will try again");
        code = wait_ms(busy, COMMIT_PAUSE_MS, err);
        if (code != SPIRA_OK)
            return code;
    }
}

/* Notes that the group may go on behind the message. */
static void commit_later(struct spira_busy *busy, const struct spira_message *message)
{
    size_t i = 0;
    while (i < busy->dealt_count && (busy->dealt[i].partition != message->partition ||
                                     strcmp(busy->dealt[i].topic, message->topic) != 0))
        i++;
    if (busy->dealt_count == 0)
        busy->dealt_ms = spira_clock_monotonic_ms(busy->loop->worker->clock);
    if (i == busy->dealt_count) {
        busy->dealt = spira_realloc(busy->dealt, ++busy->dealt_count, sizeof *busy->dealt);
        snprintf(busy->dealt[i].topic, sizeof busy->dealt[i].topic, "%s", message->topic);
        busy->dealt[i].partition = message->partition;
    }
    busy->dealt[i].offset = message->offset;
}

/* Commits what was noted. What the bus does not take now it takes the next time; a partition that
 * is another member's is theirs to deal with again. */
static enum spira_code commit_dealt(struct spira_busy *busy, struct spira_error *err)
{
    while (busy->dealt_count > 0) {
        const struct spira_dealt *last = &busy->dealt[busy->dealt_count - 1];
        const struct spira_message message = {
            .topic = last->topic, .partition = last->partition, .offset = last->offset};
        enum spira_code code = spira_consumer_commit(busy->consumer, &message, err);
        if (spira_code_kind(code) == SPIRA_KIND_TRANSIENT) {
            busy->dealt_ms = spira_clock_monotonic_ms(busy->loop->worker->clock);
            warn(busy, err, "cannot commit, will try again");
            return SPIRA_OK;
        }
        if (code != SPIRA_OK && code != SPIRA_ECONFLICT)
            return code;
        busy->dealt_count--;
    }
    return SPIRA_OK;
}

/* After a message was dealt with. */
static enum spira_code conclude(struct spira_busy *busy, const struct spira_message *message,
                                const struct spira_handled *handled, struct spira_error *err)
{
    if (handled->dead_letter) {
        enum spira_code code = put_aside_patiently(busy, message, handled, err);
        if (code != SPIRA_OK)
            return code;
    }
    if (busy->loop->handler->by_run && *handled->outcome)
        spira_metric_observe(busy->loop->metrics->step_seconds, handled->seconds,
                             SPIRA_LABELS(busy->loop->handler->name, handled->outcome));
    count(busy, message, *handled->outcome ? handled->outcome : "done");
    if (!handled->committed && !busy->loop->handler->repeats)
        return commit(busy, message, err);
    if (!handled->committed)
        commit_later(busy, message);
    return spira_busy_pass(busy, message, err);
}

/* It comes again later: from its own place on, or an earlier one. */
static enum spira_code rewind_to(struct spira_busy *busy, const struct spira_message *message,
                                 int64_t offset, struct spira_error *err)
{
    enum spira_code code =
        spira_consumer_seek(busy->consumer, message->topic, message->partition, offset, err);
    if (code == SPIRA_ECONFLICT) /* another member's: no longer our concern */
        return SPIRA_OK;
    return code == SPIRA_OK && offset == message->offset ? wait_ms(busy, DEFER_MS, err) : code;
}

/* One attempt. */
static enum verdict attempt(struct spira_busy *busy, const struct spira_message *message,
                            struct spira_handled *handled, struct spira_error *err)
{
    enum spira_code code = spira_busy_handle(busy, message, handled, err);
    if (busy->broken)
        return DIE;
    if ((code != SPIRA_OK || handled->dead_letter) && busy->first_failed_ms == 0)
        busy->first_failed_ms = spira_clock_now_ms(busy->loop->worker->clock);
    if (code == SPIRA_OK)
        return handled->rewind ? LEAVE : COMMIT;
    return judge(busy, message, err, handled);
}

static enum spira_code deal_with(struct spira_busy *busy, const struct spira_message *message,
                                 struct spira_error *err)
{
    busy->first_failed_ms = 0;
    for (;;) {
        struct spira_handled handled = {.outcome = ""};
        enum verdict verdict = attempt(busy, message, &handled, err);
        enum spira_code code = SPIRA_OK;
        if (verdict == DIE)
            return err->code;
        if (verdict == COMMIT)
            code = conclude(busy, message, &handled, err);
        if (verdict == LEAVE && !stop_wanted(busy))
            code =
                rewind_to(busy, message, handled.rewind ? handled.rewind_to : message->offset, err);
        if (verdict == RETRY)
            code = wait_ms(busy, spira_backoff_next_ms(&busy->backoff), err);
        else
            spira_backoff_reset(&busy->backoff);
        if (spira_code_kind(code) == SPIRA_KIND_TRANSIENT) {
            warn(busy, err, "cannot go on, will try again");
            code = wait_ms(busy, spira_backoff_next_ms(&busy->backoff), err);
        } else if (verdict != RETRY) {
            return spira_code_kind(code) == SPIRA_KIND_INTERRUPTED ? SPIRA_OK : code;
        }
        if (code != SPIRA_OK || stop_wanted(busy))
            return code;
    }
}

/* Whether messages expired before the group has read them. */
static enum spira_code check_gap(const struct spira_loop *loop, const char *topic,
                                 struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *held = NULL;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *pending = NULL;
    size_t held_count = 0, pending_count = 0;
    enum spira_code code = spira_bus_ranges(loop->worker->bus, topic, &held, &held_count, err);
    if (code == SPIRA_OK)
        code =
            spira_bus_pending(loop->worker->bus, loop->group, topic, &pending, &pending_count, err);
    for (size_t i = 0; code == SPIRA_OK && i < pending_count && i < held_count; i++)
        if (pending[i].from < held[i].from)
            return spira_fail(err, SPIRA_EINVALID,
                              "%s, partition %d: %s would go on at offset %jd, but what is left "
                              "begins at %jd: events expired unread; go on with --accept-gap",
                              topic, (int)pending[i].partition, loop->group,
                              (intmax_t)pending[i].from, (intmax_t)held[i].from);
    return code;
}

static enum spira_code subscribe(struct spira_busy *busy, struct spira_error *err)
{
    const struct spira_loop *loop = busy->loop;
    size_t count = loop->handler->event_count;
    SPIRA_CLEANUP(spira_free_at)
    char **topics = spira_alloc(count, sizeof *topics);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; i < count; i++)
        topics[i] = spira_topic(loop->worker, loop->handler->events[i]);
    for (size_t i = 0; code == SPIRA_OK && !loop->accept_gap && i < count; i++)
        code = check_gap(loop, topics[i], err);
    if (code == SPIRA_OK)
        code = spira_bus_subscribe(loop->worker->bus, loop->group, (const char *const *)topics,
                                   count, &busy->consumer, err);
    for (size_t i = 0; i < count; i++)
        free(topics[i]);
    return code;
}

/* Waits for the bus and its topics, however long they take. It only looks: that may be more often
 * than work is tried again. */
static enum spira_code join(struct spira_busy *busy, struct spira_error *err)
{
    bool topics_missed = false;
    for (;;) {
        enum spira_code code = subscribe(busy, err);
        bool later = code == SPIRA_ENOTFOUND || spira_code_kind(code) == SPIRA_KIND_TRANSIENT;
        if (!later || stop_wanted(busy)) {
            spira_backoff_reset(&busy->backoff);
            return later ? SPIRA_OK : code;
        }
        if (topics_missed != (code == SPIRA_ENOTFOUND))
            busy->warned_ms = 0; /* another reason than before: say it now */
        topics_missed = code == SPIRA_ENOTFOUND;
        warn(busy, err,
             topics_missed ? "waiting for `spiractl topics ensure`" : "waiting for the event bus");
        int pause_ms = spira_backoff_next_ms(&busy->backoff);
        code = wait_ms(busy, pause_ms < JOIN_PAUSE_MAX_MS ? pause_ms : JOIN_PAUSE_MAX_MS, err);
        if (code != SPIRA_OK)
            return code;
    }
}

/* Where the member goes on in the range's partition; its end where that is another's. */
static int64_t next_in(const struct spira_offset_range *range,
                       const struct spira_position *positions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (positions[i].partition == range->partition &&
            strcmp(positions[i].topic, range->topic) == 0)
            return positions[i].next;
    return range->to;
}

/* Whether nothing is left that the group has not committed, or that this member went back to. */
static enum spira_code is_caught_up(const struct spira_busy *busy, bool *ret_caught_up,
                                    struct spira_error *err)
{
    const struct spira_loop *loop = busy->loop;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_position *positions = NULL;
    size_t position_count = 0;
    enum spira_code code =
        spira_consumer_positions(busy->consumer, &positions, &position_count, err);
    bool caught_up = true;
    for (size_t i = 0; code == SPIRA_OK && caught_up && i < loop->handler->event_count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(loop->worker, loop->handler->events[i]);
        SPIRA_CLEANUP(spira_free_at)
        struct spira_offset_range *pending = NULL;
        size_t count = 0;
        code = spira_bus_pending(loop->worker->bus, loop->group, topic, &pending, &count, err);
        for (size_t k = 0; code == SPIRA_OK && k < count; k++)
            caught_up &= pending[k].from >= pending[k].to &&
                         next_in(&pending[k], positions, position_count) >= pending[k].to;
    }
    *ret_caught_up = code == SPIRA_OK && caught_up;
    return code;
}

/* Between messages, about once a second, however many of them come. */
static enum spira_code idle(struct spira_busy *busy, bool none_came, bool *ret_done,
                            struct spira_error *err)
{
    const struct spira_loop *loop = busy->loop;
    int64_t now = spira_clock_monotonic_ms(loop->worker->clock);
    if (now - busy->looked_ms < SECOND_MS)
        return SPIRA_OK;
    busy->looked_ms = now;
    enum spira_code code = SPIRA_OK;
    if (loop->handler->idle)
        code = loop->handler->idle(loop->handler->self, busy->consumer, err);
    if (code == SPIRA_OK && loop->once && none_came)
        code = is_caught_up(busy, ret_done, err);
    if (spira_code_kind(code) != SPIRA_KIND_TRANSIENT)
        return code;
    warn(busy, err, "cannot look after the group, will try again");
    return SPIRA_OK;
}

static enum spira_code take_one(struct spira_busy *busy, bool *ret_done, struct spira_error *err)
{
    spira_busy_beat(busy);
    const struct spira_message *message = NULL;
    enum spira_code code = spira_consumer_poll(busy->consumer, POLL_MS, &message, err);
    if (spira_code_kind(code) == SPIRA_KIND_TRANSIENT) {
        warn(busy, err, "the event bus does not answer, polling on");
        return SPIRA_OK;
    }
    if (code != SPIRA_OK)
        return code;
    if (!message)
        code = commit_dealt(busy, err);
    if (code != SPIRA_OK || !message)
        return code == SPIRA_OK ? idle(busy, true, ret_done, err) : code;
    spira_metric_set(busy->loop->metrics->busy, 1, NULL);
    log_message(SPIRA_LOG_DEBUG, message, NULL, "received");
    code = stop_wanted(busy) ? SPIRA_OK : deal_with(busy, message, err);
    spira_consumer_release(busy->consumer, message);
    spira_busy_resume(busy);
    spira_metric_set(busy->loop->metrics->busy, 0, NULL);
    int64_t now = spira_clock_monotonic_ms(busy->loop->worker->clock);
    if (code == SPIRA_OK && busy->dealt_count > 0 && now - busy->dealt_ms >= SECOND_MS)
        code = commit_dealt(busy, err);
    return code == SPIRA_OK && !stop_wanted(busy) ? idle(busy, false, ret_done, err) : code;
}

enum spira_code spira_loop_run(const struct spira_loop *loop, struct spira_error *err)
{
    struct spira_busy busy = {.loop = loop};
    spira_backoff_init(&busy.backoff, spira_hash_text(loop->worker->id));
    enum spira_code code = join(&busy, err);
    bool done = false;
    if (code == SPIRA_OK && busy.consumer.ops)
        spira_log(SPIRA_LOG_INFO, NULL, "joined %s", loop->group);
    while (code == SPIRA_OK && !done && !stop_wanted(&busy))
        code = take_one(&busy, &done, err);
    if (code == SPIRA_OK && busy.consumer.ops)
        code = commit_dealt(&busy, err);
    spira_consumer_done(&busy.consumer);
    free(busy.dealt);
    return code;
}
