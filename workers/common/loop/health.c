#include "workers/common/loop/health.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/text.h"
#include "core/base/thread.h"
#include "workers/common/log.h"
#include "workers/common/version.h"

enum { BEAT_LIMIT_MS = 30000, PROBE_EVERY_MS = 5000, DEPENDENCIES_MAX = 3 };

typedef enum spira_code dependency_probe(const struct spira_worker *worker,
                                         struct spira_error *err);

/* What the last probe said; guarded by health's lock. */
struct dependency {
    const char *name;
    dependency_probe *probe;
    struct spira_health *health;
    pthread_t thread;
    bool asked;             /* a probe has come to its end */
    int64_t answered_ms;    /* end of the last probe, by the clock's monotonic time */
    struct spira_error err; /* code SPIRA_OK: it is well */
};

struct spira_health {
    struct spira_health_setup setup;
    _Atomic int64_t beat_ms;
    pthread_mutex_t lock;
    pthread_cond_t stop; /* signalled when stopping becomes true */
    bool stopping;
    struct dependency dependencies[DEPENDENCIES_MAX];
    size_t count; /* of dependencies, each with its thread */
};

static enum spira_code probe_bus(const struct spira_worker *worker, struct spira_error *err)
{
    return spira_bus_probe(worker->bus, err);
}

static enum spira_code probe_store(const struct spira_worker *worker, struct spira_error *err)
{
    return spira_store_probe(worker->store, err);
}

static enum spira_code probe_state(const struct spira_worker *worker, struct spira_error *err)
{
    return spira_state_probe(worker->state, err);
}

static int64_t now_of(const struct spira_health *health)
{
    return spira_clock_monotonic_ms(health->setup.worker->clock);
}

static void log_change(const char *name, const struct spira_error *err)
{
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "dependency", name);
    if (err->code == SPIRA_OK) {
        spira_log(SPIRA_LOG_INFO, fields, "a dependency answers again");
        return;
    }
    spira_value_set_text(fields, "error", err->message);
    spira_log(SPIRA_LOG_WARNING, fields, "a dependency does not answer");
}

static void *keep_probing(void *self)
{
    struct dependency *dependency = self;
    struct spira_health *health = dependency->health;
    pthread_mutex_lock(&health->lock);
    while (!health->stopping) {
        pthread_mutex_unlock(&health->lock);
        struct spira_error err = {.code = SPIRA_OK};
        err.code = dependency->probe(health->setup.worker, &err);
        int64_t now = now_of(health);
        pthread_mutex_lock(&health->lock);
        bool was_well = dependency->err.code == SPIRA_OK;
        dependency->asked = true;
        dependency->answered_ms = now;
        dependency->err = err;
        if (was_well != (err.code == SPIRA_OK))
            log_change(dependency->name, &err);
        spira_thread_wait(&health->stop, &health->lock, &health->stopping,
                          health->setup.probe_every_ms);
    }
    pthread_mutex_unlock(&health->lock);
    return NULL;
}

static enum spira_code watch(struct spira_health *health, const char *name, dependency_probe *probe,
                             struct spira_error *err)
{
    struct dependency *dependency = &health->dependencies[health->count];
    *dependency = (struct dependency){.name = name, .probe = probe, .health = health};
    enum spira_code code =
        spira_thread_start(keep_probing, dependency, name, &dependency->thread, err);
    if (code == SPIRA_OK)
        health->count++;
    return code;
}

enum spira_code spira_health_start(const struct spira_health_setup *setup,
                                   struct spira_health **ret_health, struct spira_error *err)
{
    struct spira_health *health = spira_alloc(1, sizeof *health);
    health->setup = *setup;
    if (health->setup.beat_limit_ms == 0)
        health->setup.beat_limit_ms = BEAT_LIMIT_MS;
    if (health->setup.probe_every_ms == 0)
        health->setup.probe_every_ms = PROBE_EVERY_MS;
    pthread_cond_init(&health->stop, NULL);
    pthread_mutex_init(&health->lock, NULL);
    spira_health_beat(health);
    enum spira_code code = SPIRA_OK;
    if (setup->worker->bus.ops)
        code = watch(health, "event_bus", probe_bus, err);
    if (code == SPIRA_OK && setup->worker->store.ops)
        code = watch(health, "object_store", probe_store, err);
    if (code == SPIRA_OK && setup->worker->state.ops)
        code = watch(health, "run_state", probe_state, err);
    if (code != SPIRA_OK) {
        spira_health_stop(&health);
        return code;
    }
    *ret_health = health;
    return SPIRA_OK;
}

void spira_health_stop(struct spira_health **address)
{
    struct spira_health *health = *address;
    if (!health)
        return;
    pthread_mutex_lock(&health->lock);
    health->stopping = true;
    pthread_cond_broadcast(&health->stop);
    pthread_mutex_unlock(&health->lock);
    for (size_t i = 0; i < health->count; i++)
        pthread_join(health->dependencies[i].thread, NULL);
    pthread_cond_destroy(&health->stop);
    pthread_mutex_destroy(&health->lock);
    free(health);
    *address = NULL;
}

void spira_health_beat(struct spira_health *health)
{
    atomic_store(&health->beat_ms, now_of(health));
}

/* Gives what is wrong with a dependency; NULL: nothing. The lock is held. */
static char *complaint(const struct dependency *dependency)
{
    const struct spira_health *health = dependency->health;
    int64_t age = now_of(health) - dependency->answered_ms;
    if (!dependency->asked)
        return spira_copy_text("has not answered yet");
    if (dependency->err.code != SPIRA_OK)
        return spira_copy_text(dependency->err.message);
    if (age > 3 * health->setup.probe_every_ms)
        return spira_format("has not answered for %jd s", (intmax_t)age / 1000);
    return NULL;
}

static struct spira_http_answer json(int status, const struct spira_value *value)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_PRETTY);
    return (struct spira_http_answer){
        .status = status, .content_type = "application/json", .body = spira_utf8_repair(text)};
}

static struct spira_http_answer livez(struct spira_health *health)
{
    struct spira_http_answer answer = {.status = 200, .content_type = "text/plain; charset=utf-8"};
    int64_t age = now_of(health) - atomic_load(&health->beat_ms);
    if (age <= health->setup.beat_limit_ms) {
        answer.body = spira_copy_text("ok\n");
        return answer;
    }
    answer.status = 503;
    answer.body =
        spira_format("the worker's loop last went round %.1f s ago; the limit is %.1f s\n",
                     (double)age / 1000, (double)health->setup.beat_limit_ms / 1000);
    return answer;
}

static struct spira_http_answer readyz(struct spira_health *health)
{
    bool ready = true;
    struct spira_value *dependencies = spira_value_map();
    pthread_mutex_lock(&health->lock);
    for (size_t i = 0; i < health->count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *wrong = complaint(&health->dependencies[i]);
        ready = ready && !wrong;
        spira_value_set_text(dependencies, health->dependencies[i].name, wrong ? wrong : "ok");
    }
    pthread_mutex_unlock(&health->lock);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *body = spira_value_map();
    spira_value_set_bool(body, "ready", ready);
    spira_value_set(body, "dependencies", dependencies);
    return json(ready ? 200 : 503, body);
}

static struct spira_http_answer metrics(struct spira_health *health)
{
    const struct spira_worker_metrics *shown = health->setup.metrics;
    pthread_mutex_lock(&health->lock);
    for (size_t i = 0; i < health->count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *wrong = complaint(&health->dependencies[i]);
        spira_metric_set(shown->dependency_up, wrong ? 0 : 1,
                         SPIRA_LABELS(health->dependencies[i].name));
    }
    pthread_mutex_unlock(&health->lock);
    return (struct spira_http_answer){.status = 200,
                                      .content_type = SPIRA_METRIC_CONTENT_TYPE,
                                      .body = spira_worker_metrics_text(shown)};
}

static struct spira_http_answer version(struct spira_health *health)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *facts = spira_version_facts();
    spira_value_set_text(facts, "name", health->setup.name);
    return json(200, facts);
}

bool spira_health_answer(void *context, const char *path, struct spira_http_answer *answer)
{
    static const struct {
        const char *path;
        struct spira_http_answer (*answer)(struct spira_health *health);
    } routes[] = {
        {"/livez", livez}, {"/readyz", readyz}, {"/metrics", metrics}, {"/version", version}};
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(path, routes[i].path) == 0) {
            *answer = routes[i].answer(context);
            return true;
        }
    }
    return false;
}
