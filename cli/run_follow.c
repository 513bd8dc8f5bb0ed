#include "cli/run_follow.h"

#include "cli/run_phase.h"
#include "workers/common/run/run_object.h"

enum {
    POLL_MS = 500,
    TICK_MS = 100,          /* how often the watch may redraw, and a signal is seen */
    LATE_EVENTS_MS = 60000, /* for the events that a run's last one overtook, Redis wiped and Kafka
                               starting again in between */
};

/* One run that is being followed. */
struct following {
    const struct spira_run_follow *follow;
    size_t ended;                /* steps that the watch knows have ended */
    bool begun;                  /* it knows of the one after them */
    struct spira_progress shown; /* what it gave for that */
    bool away;                   /* a service is */
    int64_t over_ms;             /* when the run was first seen to be over; 0: it was not yet */
};

static int64_t now_of(const struct following *following)
{
    return spira_clock_monotonic_ms(following->follow->worker->clock);
}

/* The next step begins, unless it has. */
static void begin_step(struct following *following)
{
    const struct spira_step_watch *watch = following->follow->watch;
    if (!following->begun)
        following->shown = watch->begin(watch->self, spira_run_steps[following->ended]);
    following->begun = true;
}

/* It ends; state is the run's where the step itself says nothing. */
static enum spira_code end_step(struct following *following, const struct spira_value *run,
                                const char *state, struct spira_error *err)
{
    const struct spira_step_watch *watch = following->follow->watch;
    const char *step = spira_run_steps[following->ended];
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *row = NULL;
    enum spira_code code =
        spira_run_step(following->follow->worker->tools.json, run, step, &row, err);
    if (code != SPIRA_OK)
        return code;
    begin_step(following);
    bool complete = strcmp(state, "succeeded") == 0;
    watch->end(watch->self, step, complete ? spira_value_get_text(row, "status", state) : state,
               spira_value_get_real(row, "seconds", 0));
    following->ended++;
    following->begun = false;
    following->shown = (struct spira_progress){0};
    return SPIRA_OK;
}

/* Tells the watch what is new. */
static enum spira_code show(struct following *following, const struct spira_value *run,
                            const char *state, struct spira_error *err)
{
    const struct spira_worker *worker = following->follow->worker;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *progress = NULL;
    struct spira_run_phase phase;
    enum spira_code code =
        spira_state_progress(worker->state, following->follow->run_id, &progress, err);
    if (code != SPIRA_OK)
        return code;
    spira_run_phase_read(worker->tools.json, run, progress, &phase);
    while (code == SPIRA_OK && following->ended < phase.ended) {
        if (following->ended == 0 && following->begun) { /* the last shards, unseen until now */
            struct spira_progress_report all = phase.report;
            all.epoch = all.epochs = 0;
            all.note = NULL;
            spira_run_shards(run, &all.done, &all.total);
            spira_progress_report(following->shown, &all);
        }
        code = end_step(following, run, "succeeded", err);
    }
    if (code != SPIRA_OK || following->ended == SPIRA_RUN_STEPS)
        return code;
    if (spira_run_is_over(state))
        return strcmp(state, "succeeded") == 0 ? SPIRA_OK : end_step(following, run, state, err);
    begin_step(following);
    if (phase.reported)
        spira_progress_report(following->shown, &phase.report);
    return SPIRA_OK;
}

/* Whether all is known of a run that is over: its last event may have come before others. */
static bool is_complete(const struct spira_value *run, const char *state)
{
    if (strcmp(state, "succeeded") != 0 && strcmp(state, "rejected") != 0)
        return true;
    size_t done, total;
    spira_run_shards(run, &done, &total);
    return total > 0 && done == total && spira_value_find(run, "fields.dataset") &&
           spira_value_find(run, "fields.model") && spira_value_find(run, "fields.evaluation");
}

/* Whether there is anything to look at: while nobody watches, only that the run is over counts. */
static enum spira_code is_worth_a_look(const struct spira_run_follow *follow, bool *ret_worth,
                                       struct spira_error *err)
{
    *ret_worth = true;
    if (follow->watch)
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_free_at)
    char *state = NULL;
    enum spira_code code =
        spira_state_field(follow->worker->state, follow->run_id, "state", &state, err);
    if (code == SPIRA_OK)
        *ret_worth = spira_run_is_over(state ? state : "");
    return code;
}

/* One look at the run; gives its object when it is over. */
static enum spira_code look(struct following *following, struct spira_value **ret_object,
                            struct spira_error *err)
{
    const struct spira_run_follow *follow = following->follow;
    bool worth = true;
    enum spira_code code = is_worth_a_look(follow, &worth, err);
    if (code != SPIRA_OK || !worth)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    struct spira_error why;
    code = spira_state_run(follow->worker->state, follow->run_id, &run, &why);
    if (code == SPIRA_ENOTFOUND)
        return SPIRA_OK;
    if (code != SPIRA_OK) {
        *err = why;
        return code;
    }
    const char *state = spira_value_as_text(spira_value_find(run, "fields.state"), "pending");
    bool over = spira_run_is_over(state);
    if (over && !following->over_ms)
        following->over_ms = now_of(following);
    if (over && !is_complete(run, state) && now_of(following) - following->over_ms < LATE_EVENTS_MS)
        return SPIRA_OK;
    if (follow->watch && following->ended < SPIRA_RUN_STEPS)
        code = show(following, run, state, err);
    return code == SPIRA_OK && over
               ? spira_run_object(follow->worker, follow->run_id, ret_object, err)
               : code;
}

/* A service that does not answer is waited for, and people are told. */
static enum spira_code look_patiently(struct following *following, struct spira_value **ret_object,
                                      struct spira_error *err)
{
    const struct spira_run_follow *follow = following->follow;
    enum spira_code code = look(following, ret_object, err);
    bool away = code == SPIRA_EUNREACHABLE || code == SPIRA_ETIMEOUT;
    if (away != following->away && follow->say) {
        SPIRA_CLEANUP(spira_free_at)
        char *text = away ? spira_format("%s; still waiting", err->message)
                          : spira_copy_text("all services answer again");
        follow->say(follow->say_self, text);
    }
    following->away = away;
    return away ? SPIRA_OK : code;
}

/* Until the next look. */
static enum spira_code pause_between(const struct following *following, int64_t until_ms,
                                     struct spira_error *err)
{
    const struct spira_run_follow *follow = following->follow;
    for (;;) {
        if (spira_progress_stop_wanted(follow->stop))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped waiting for run %s",
                              follow->run_id);
        (void)spira_progress_stop_wanted(following->shown); /* its clock goes on */
        int64_t left_ms = until_ms - now_of(following);
        if (left_ms <= 0)
            return SPIRA_OK;
        spira_clock_sleep_ms(follow->worker->clock, left_ms < TICK_MS ? left_ms : TICK_MS);
    }
}

enum spira_code spira_run_follow(const struct spira_run_follow *follow,
                                 struct spira_value **ret_object, struct spira_error *err)
{
    struct following following = {.follow = follow};
    const int64_t begun_ms = now_of(&following);
    *ret_object = NULL;
    for (;;) {
        enum spira_code code = look_patiently(&following, ret_object, err);
        if (code != SPIRA_OK || *ret_object)
            return code;
        int64_t next_ms = now_of(&following) + POLL_MS;
        bool last = follow->timeout_ms >= 0 && next_ms > begun_ms + follow->timeout_ms;
        code = pause_between(&following, last ? begun_ms + follow->timeout_ms : next_ms, err);
        if (code != SPIRA_OK)
            return code;
        if (last)
            return look_patiently(&following, ret_object, err);
    }
}
