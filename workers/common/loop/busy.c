#include "workers/common/loop/busy.h"

#include <math.h>

#include "workers/common/log.h"
#include "workers/common/loop/lease.h"
#include "workers/common/run/run_object.h"

/* Short work is over before the group need be served: pausing and resuming costs a fetch. */
enum { WAIT_MS = 50, SHORT_MS = 1000, SECOND_MS = 1000, PROGRESS_TTL_MS = 10000 };

void spira_busy_beat(struct spira_busy *busy)
{
    if (busy->loop->health)
        spira_health_beat(busy->loop->health);
}

enum spira_code spira_busy_pump(struct spira_busy *busy, struct spira_error *err)
{
    spira_busy_beat(busy);
    if (!busy->consumer.ops)
        return SPIRA_OK;
    if (!busy->paused)
        spira_consumer_pause(busy->consumer);
    busy->paused = true;
    const struct spira_message *message = NULL;
    enum spira_code code = spira_consumer_poll(busy->consumer, 0, &message, err);
    if (spira_code_kind(code) == SPIRA_KIND_TRANSIENT)
        return SPIRA_OK; /* the work goes on without the bus */
    if (code != SPIRA_OK || !message)
        return code;
    code = spira_fail(err, SPIRA_EBUG, "%s, partition %d, offset %jd came while it was paused",
                      message->topic, (int)message->partition, (intmax_t)message->offset);
    spira_consumer_release(busy->consumer, message);
    return code;
}

void spira_busy_resume(struct spira_busy *busy)
{
    if (busy->paused)
        spira_consumer_resume(busy->consumer);
    busy->paused = false;
}

static void set_number(struct spira_value *map, const char *name, double number)
{
    if (isfinite(number))
        spira_value_set_real(map, name, number);
}

/* The entry that `spiractl run watch` draws. */
static char *progress_text(const struct spira_progress_report *report, const char *worker_id)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = spira_value_map();
    spira_value_set_text(map, "worker", worker_id);
    spira_value_set_int(map, "done", (int64_t)report->done);
    spira_value_set_int(map, "total", (int64_t)report->total);
    spira_value_set_int(map, "epoch", (int64_t)report->epoch);
    spira_value_set_int(map, "epochs", (int64_t)report->epochs);
    set_number(map, "loss", report->loss);
    set_number(map, "validation_loss", report->validation_loss);
    return spira_value_to_text(map, SPIRA_COMPACT);
}

/* Whose progress it is: the step's, or that of the part of it ("model_training.00003") that the key
 * of its event ("<run id>/00003") names. */
static char *progress_name(const struct spira_busy *busy, const struct spira_message *message)
{
    const char *part = message->key ? strchr(message->key, '/') : NULL;
    return spira_format("%s%s%s", busy->loop->handler->name, part ? "." : "", part ? part + 1 : "");
}

static enum spira_code show_progress(const struct spira_busy *busy, struct spira_task *task,
                                     const struct spira_message *message, const char *run_id,
                                     struct spira_error *err)
{
    struct spira_progress_report report = {.loss = NAN, .validation_loss = NAN};
    (void)spira_task_report(task, &report); /* none yet: that it is at work */
    const struct spira_worker *worker = busy->loop->worker;
    SPIRA_CLEANUP(spira_free_at)
    char *text = progress_text(&report, worker->id);
    SPIRA_CLEANUP(spira_free_at)
    char *name = progress_name(busy, message);
    return spira_state_put_progress(worker->state, run_id, name, text, PROGRESS_TTL_MS, err);
}

/* Each second of a run's work. The run state may be away: then nothing is known and nothing
 * changes. */
static void look_after(struct spira_busy *busy, struct spira_task *task,
                       const struct spira_message *message, const char *run_id)
{
    const struct spira_worker *worker = busy->loop->worker;
    struct spira_error unknown;
    bool over = false, elsewhere = false;
    if (spira_run_look(worker, run_id, &over, &unknown) != SPIRA_OK)
        return;
    if (over)
        spira_task_stop(task, SPIRA_STOP_CANCELED);
    bool owned = spira_consumer_owns(busy->consumer, message->topic, message->partition);
    if (!owned && spira_lease_elsewhere(worker, run_id, message, &elsewhere, &unknown) != SPIRA_OK)
        return;
    if (elsewhere) {
        spira_task_stop(task, SPIRA_STOP_LOST);
        return;
    }
    if (spira_lease_renew(worker, run_id, message, &unknown) == SPIRA_OK)
        (void)!show_progress(busy, task, message, run_id, &unknown);
}

/* Serves the group and looks after the task until it has finished. */
static enum spira_code accompany(struct spira_busy *busy, struct spira_task *task,
                                 const struct spira_message *message, const char *run_id,
                                 bool *ret_leased, struct spira_error *err)
{
    const struct spira_clock clock = busy->loop->worker->clock;
    const int64_t began_ms = spira_clock_monotonic_ms(clock);
    int64_t looked_ms = began_ms;
    enum spira_code code = SPIRA_OK;
    while (!spira_task_wait(task, WAIT_MS)) {
        spira_busy_beat(busy);
        bool is_long = spira_clock_monotonic_ms(clock) - began_ms >= SHORT_MS;
        if (code == SPIRA_OK && is_long)
            code = spira_busy_pump(busy, err);
        if (code != SPIRA_OK || spira_progress_stop_wanted(busy->loop->stop))
            spira_task_stop(task, SPIRA_STOP_SHUTDOWN);
        if (run_id && spira_clock_monotonic_ms(clock) - looked_ms >= SECOND_MS) {
            look_after(busy, task, message, run_id);
            *ret_leased = true;
            looked_ms = spira_clock_monotonic_ms(clock);
        }
    }
    return code;
}

enum spira_code spira_busy_handle(struct spira_busy *busy, const struct spira_message *message,
                                  struct spira_handled *ret_handled, struct spira_error *err)
{
    const struct spira_handler *handler = busy->loop->handler;
    const char *run_id = handler->by_run ? spira_message_header(message, "ce_subject") : NULL;
    struct spira_task *task = NULL;
    enum spira_code code = spira_task_start(handler, message, &task, err);
    if (code != SPIRA_OK)
        return code;
    bool leased = false;
    struct spira_error broken;
    enum spira_code group = accompany(busy, task, message, run_id, &leased, &broken);
    busy->stopped = spira_task_stopped(task);
    code = spira_task_end(task, ret_handled, err);
    struct spira_error unreleased; /* then it ends by itself */
    if (leased && busy->stopped != SPIRA_STOP_LOST)
        (void)!spira_lease_release(busy->loop->worker, run_id, message, &unreleased);
    if (group == SPIRA_OK)
        return code;
    busy->broken = true;
    *err = broken;
    return group;
}

enum spira_code spira_busy_pass(struct spira_busy *busy, const struct spira_message *message,
                                struct spira_error *err)
{
    if (!busy->paused) /* it was over before the group was served again */
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_position *positions = NULL;
    size_t count = 0;
    enum spira_code code = spira_consumer_positions(busy->consumer, &positions, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        if (positions[i].partition == message->partition &&
            strcmp(positions[i].topic, message->topic) == 0 && positions[i].next <= message->offset)
            code = spira_consumer_seek(busy->consumer, message->topic, message->partition,
                                       message->offset + 1, err);
    return code == SPIRA_ECONFLICT ? SPIRA_OK : code;
}
