#include "workers/common/loop/lag.h"

#include "core/base/thread.h"
#include "workers/common/run/events.h"

enum { EVERY_MS = 5000 };

/* Since when a partition's next message has been waiting. */
struct waiting {
    char *topic;
    int32_t partition;
    int64_t from;     /* that message */
    int64_t since_ms; /* 0: none waits */
};

struct spira_lag {
    struct spira_lag_setup setup;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    bool is_stopped;
    struct waiting *all; /* the thread's alone */
    size_t count;
};

static struct waiting *find(struct spira_lag *lag, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < lag->count; i++)
        if (lag->all[i].partition == partition && strcmp(lag->all[i].topic, topic) == 0)
            return &lag->all[i];
    lag->all = spira_realloc(lag->all, lag->count + 1, sizeof *lag->all);
    lag->all[lag->count] =
        (struct waiting){.topic = spira_copy_text(topic), .partition = partition, .from = -1};
    return &lag->all[lag->count++];
}

static void note(struct spira_lag *lag, const struct spira_offset_range *pending)
{
    int64_t now = spira_clock_monotonic_ms(lag->setup.worker->clock);
    struct waiting *waiting = find(lag, pending->topic, pending->partition);
    bool waits = pending->to > pending->from;
    if (!waits)
        waiting->since_ms = 0;
    else if (waiting->since_ms == 0 || pending->from != waiting->from)
        waiting->since_ms = now;
    waiting->from = pending->from;
    spira_worker_metrics_lag(lag->setup.metrics, pending->topic, pending->partition,
                             pending->to - pending->from,
                             waits ? (double)(now - waiting->since_ms) / 1000 : 0);
}

/* A bus that does not answer leaves the last figures: /readyz tells of it. */
static void measure(struct spira_lag *lag, const char *event)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(lag->setup.worker, event);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *pending = NULL;
    size_t count = 0;
    struct spira_error unknown;
    if (spira_bus_pending(lag->setup.worker->bus, lag->setup.group, topic, &pending, &count,
                          &unknown) != SPIRA_OK)
        return;
    for (size_t i = 0; i < count; i++)
        note(lag, &pending[i]);
}

/* Whether it is time to end, after waiting for that. */
static bool wait_stop(struct spira_lag *lag, int64_t timeout_ms)
{
    pthread_mutex_lock(&lag->lock);
    bool stopped = spira_thread_wait(&lag->stopped, &lag->lock, &lag->is_stopped, timeout_ms);
    pthread_mutex_unlock(&lag->lock);
    return stopped;
}

static void *run(void *context)
{
    struct spira_lag *lag = context;
    do {
        for (size_t i = 0; i < lag->setup.event_count && !wait_stop(lag, 0); i++)
            measure(lag, lag->setup.events[i]);
    } while (!wait_stop(lag, lag->setup.every_ms));
    return NULL;
}

static void free_lag(struct spira_lag *lag)
{
    for (size_t i = 0; i < lag->count; i++)
        free(lag->all[i].topic);
    free(lag->all);
    pthread_cond_destroy(&lag->stopped);
    pthread_mutex_destroy(&lag->lock);
    free(lag);
}

enum spira_code spira_lag_start(const struct spira_lag_setup *setup, struct spira_lag **ret_lag,
                                struct spira_error *err)
{
    struct spira_lag *lag = spira_alloc(1, sizeof *lag);
    lag->setup = *setup;
    if (lag->setup.every_ms == 0)
        lag->setup.every_ms = EVERY_MS;
    pthread_mutex_init(&lag->lock, NULL);
    pthread_cond_init(&lag->stopped, NULL);
    enum spira_code code = spira_thread_start(run, lag, "the lag", &lag->thread, err);
    if (code != SPIRA_OK) {
        free_lag(lag);
        return code;
    }
    *ret_lag = lag;
    return SPIRA_OK;
}

void spira_lag_stop(struct spira_lag **lag)
{
    if (!*lag)
        return;
    pthread_mutex_lock(&(*lag)->lock);
    (*lag)->is_stopped = true;
    pthread_cond_signal(&(*lag)->stopped);
    pthread_mutex_unlock(&(*lag)->lock);
    pthread_join((*lag)->thread, NULL);
    free_lag(*lag);
    *lag = NULL;
}
