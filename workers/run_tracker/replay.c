#include "workers/run_tracker/replay.h"

#include "workers/common/run/events.h"
#include "workers/run_tracker/run_tracker.h"

struct replay {
    const struct spira_worker *worker;
    struct spira_progress progress;
    struct spira_replay_counts *counts;
    struct spira_progress_report report;
    struct spira_offset_range *ranges; /* what is left to apply, partition by partition */
    size_t count;
    int64_t next; /* of the partition being read */
};

static void replay_done(struct replay *replay)
{
    free(replay->ranges);
}

/* Adds a topic's ranges: from what the state has applied. */
static enum spira_code add_topic(struct replay *replay, const char *event, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(replay->worker, event);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = spira_bus_ranges(replay->worker->bus, topic, &ranges, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        int64_t applied = 0;
        code =
            spira_state_applied(replay->worker->state, topic, ranges[i].partition, &applied, err);
        if (code != SPIRA_OK || applied >= ranges[i].to)
            continue;
        if (applied < ranges[i].from) {
            replay->counts->expired += (size_t)(ranges[i].from - applied);
            code = spira_run_tracker_skip(replay->worker, topic, ranges[i].partition,
                                          ranges[i].from, err);
        } else {
            ranges[i].from = applied;
        }
        replay->ranges = spira_realloc(replay->ranges, replay->count + 1, sizeof *replay->ranges);
        replay->ranges[replay->count++] = ranges[i];
        replay->report.total += (size_t)(ranges[i].to - ranges[i].from);
    }
    return code;
}

static enum spira_code apply(void *context, const struct spira_message *message,
                             struct spira_error *err)
{
    struct replay *replay = context;
    if (spira_progress_stop_wanted(replay->progress))
        return spira_fail(err, SPIRA_EINTERRUPTED, "stopped when %zu of %zu events were applied",
                          replay->report.done, replay->report.total);
    enum spira_code code = SPIRA_OK;
    if (message->offset > replay->next) /* not every offset need hold a message */
        code = spira_run_tracker_skip(replay->worker, message->topic, message->partition,
                                      message->offset, err);
    bool applied = false;
    if (code == SPIRA_OK)
        code = spira_run_tracker_apply(replay->worker, message, NULL, &applied, err);
    if (code != SPIRA_OK && code != SPIRA_EINVALID)
        return code;
    if (!applied)
        return spira_fail(err, SPIRA_ECONFLICT, "%s, partition %d: somebody else cleared the state",
                          message->topic, (int)message->partition);
    replay->next = message->offset + 1;
    replay->counts->events++;
    replay->counts->unreadable += code == SPIRA_EINVALID;
    replay->report.done++;
    spira_progress_report(replay->progress, &replay->report);
    return SPIRA_OK;
}

enum spira_code spira_run_tracker_replay(const struct spira_worker *worker,
                                         struct spira_progress progress,
                                         struct spira_replay_counts *counts,
                                         struct spira_error *err)
{
    SPIRA_CLEANUP(replay_done)
    struct replay replay = {.worker = worker, .progress = progress, .counts = counts};
    size_t count;
    const char *const *events = spira_run_tracker_events(&count);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = add_topic(&replay, events[i], err);
    for (size_t i = 0; code == SPIRA_OK && i < replay.count; i++) {
        replay.next = replay.ranges[i].from;
        code = spira_bus_read(worker->bus, &replay.ranges[i], apply, &replay, err);
    }
    return code;
}
