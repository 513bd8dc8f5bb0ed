#include "adapters/flaky/event_bus_flaky.h"

struct flaky_bus {
    struct spira_event_bus inner;
    struct spira_flaky_play play;
};

struct flaky_consumer {
    struct spira_consumer inner;
    const struct spira_flaky_play *play; /* its bus's */
};

static enum spira_code poll_consumer(void *self, int timeout_ms,
                                     const struct spira_message **ret_message,
                                     struct spira_error *err)
{
    struct flaky_consumer *flaky = self;
    SPIRA_FLAKY_READ(flaky->play, "poll",
                     spira_consumer_poll(flaky->inner, timeout_ms, ret_message, err), err);
}

static void release(void *self, const struct spira_message *message)
{
    struct flaky_consumer *flaky = self;
    spira_consumer_release(flaky->inner, message);
}

static void pause_consumer(void *self)
{
    struct flaky_consumer *flaky = self;
    spira_consumer_pause(flaky->inner);
}

static void resume_consumer(void *self)
{
    struct flaky_consumer *flaky = self;
    spira_consumer_resume(flaky->inner);
}

static bool owns(void *self, const char *topic, int32_t partition)
{
    struct flaky_consumer *flaky = self;
    return spira_consumer_owns(flaky->inner, topic, partition);
}

static enum spira_code commit(void *self, const struct spira_message *message,
                              struct spira_error *err)
{
    struct flaky_consumer *flaky = self;
    SPIRA_FLAKY_CHANGE(flaky->play, "commit", spira_consumer_commit(flaky->inner, message, err),
                       err);
}

static enum spira_code positions(void *self, struct spira_position **ret_positions,
                                 size_t *ret_count, struct spira_error *err)
{
    struct flaky_consumer *flaky = self;
    SPIRA_FLAKY_READ(flaky->play, "positions",
                     spira_consumer_positions(flaky->inner, ret_positions, ret_count, err), err);
}

static enum spira_code seek(void *self, const char *topic, int32_t partition, int64_t offset,
                            struct spira_error *err)
{
    struct flaky_consumer *flaky = self;
    SPIRA_FLAKY_CHANGE(flaky->play, "seek",
                       spira_consumer_seek(flaky->inner, topic, partition, offset, err), err);
}

static void close_consumer(void *self)
{
    struct flaky_consumer *flaky = self;
    spira_consumer_done(&flaky->inner);
    free(flaky);
}

static enum spira_code subscribe(void *self, const char *group, const char *const *topics,
                                 size_t topic_count, struct spira_consumer *ret_consumer,
                                 struct spira_error *err)
{
    static const struct spira_consumer_ops ops = {.poll = poll_consumer,
                                                  .release = release,
                                                  .pause = pause_consumer,
                                                  .resume = resume_consumer,
                                                  .owns = owns,
                                                  .commit = commit,
                                                  .positions = positions,
                                                  .seek = seek,
                                                  .close = close_consumer};
    struct flaky_bus *bus = self;
    struct spira_flaky_turn turn = spira_flaky_next(&bus->play, "subscribe");
    if (turn.before != SPIRA_OK || turn.after != SPIRA_OK)
        return spira_flaky_fail(turn.before ? turn.before : turn.after, "subscribe", err);
    struct spira_consumer inner;
    enum spira_code code = spira_bus_subscribe(bus->inner, group, topics, topic_count, &inner, err);
    if (code != SPIRA_OK)
        return code;
    struct flaky_consumer *flaky = spira_alloc(1, sizeof *flaky);
    *flaky = (struct flaky_consumer){.inner = inner, .play = &bus->play};
    *ret_consumer = (struct spira_consumer){.ops = &ops, .self = flaky};
    return SPIRA_OK;
}

static enum spira_code send_message(void *self, const struct spira_message *message,
                                    struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "send", spira_bus_send(flaky->inner, message, err), err);
}

static enum spira_code flush(void *self, int timeout_ms, struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "flush", spira_bus_flush(flaky->inner, timeout_ms, err), err);
}

static enum spira_code ensure_topic(void *self, const char *topic, int32_t partitions,
                                    struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "ensure_topic",
                       spira_bus_ensure_topic(flaky->inner, topic, partitions, err), err);
}

static enum spira_code ranges(void *self, const char *topic, struct spira_offset_range **ret_ranges,
                              size_t *ret_count, struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "ranges",
                     spira_bus_ranges(flaky->inner, topic, ret_ranges, ret_count, err), err);
}

static enum spira_code pending(void *self, const char *group, const char *topic,
                               struct spira_offset_range **ret_ranges, size_t *ret_count,
                               struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "pending",
                     spira_bus_pending(flaky->inner, group, topic, ret_ranges, ret_count, err),
                     err);
}

static enum spira_code read_range(void *self, const struct spira_offset_range *range,
                                  spira_message_visit *visit, void *context,
                                  struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "read", spira_bus_read(flaky->inner, range, visit, context, err),
                     err);
}

static enum spira_code offset_at(void *self, const char *topic, int32_t partition,
                                 int64_t timestamp_ms, int64_t *ret_offset, struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_READ(
        &flaky->play, "offset_at",
        spira_bus_offset_at(flaky->inner, topic, partition, timestamp_ms, ret_offset, err), err);
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    struct flaky_bus *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "probe", spira_bus_probe(flaky->inner, err), err);
}

static void close_flaky(void *self)
{
    struct flaky_bus *flaky = self;
    spira_event_bus_done(&flaky->inner);
    free(flaky);
}

struct spira_event_bus spira_event_bus_flaky(struct spira_event_bus inner,
                                             struct spira_flaky_script *scripts, size_t count)
{
    static const struct spira_event_bus_ops ops = {.send = send_message,
                                                   .flush = flush,
                                                   .ensure_topic = ensure_topic,
                                                   .ranges = ranges,
                                                   .pending = pending,
                                                   .read = read_range,
                                                   .offset_at = offset_at,
                                                   .probe = probe,
                                                   .subscribe = subscribe,
                                                   .close = close_flaky};
    struct flaky_bus *flaky = spira_alloc(1, sizeof *flaky);
    *flaky = (struct flaky_bus){.inner = inner, .play = {scripts, count}};
    return (struct spira_event_bus){.ops = &ops, .self = flaky};
}
