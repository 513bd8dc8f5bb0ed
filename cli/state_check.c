#include "cli/state_check.h"

#include "workers/common/run/events.h"
#include "workers/run_tracker/run_tracker.h"

enum { AGAIN_MS = 200 };

/* Two states side by side. */
struct comparison {
    const struct spira_worker *worker;
    struct spira_run_state held, made;
    struct spira_value *runs;        /* run id: null */
    struct spira_value *differences; /* borrowed */
};

static void differ(const struct comparison *comparison, const char *where, const char *held,
                   const char *made)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("%s: the state has %s, the events make it %s", where,
                              held ? held : "nothing", made ? made : "nothing");
    spira_value_append(comparison->differences, spira_value_text(text));
}

static void compare_values(const struct comparison *comparison, const char *where,
                           const struct spira_value *held, const struct spira_value *made);

static void compare_members(const struct comparison *comparison, const char *where,
                            const struct spira_value *held, const struct spira_value *made)
{
    for (size_t i = 0; i < spira_value_count(made); i++) {
        const char *key = spira_value_key_at(made, i);
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s %s", where, key);
        compare_values(comparison, path, spira_value_get(held, key), spira_value_at(made, i));
    }
    for (size_t i = 0; i < spira_value_count(held); i++) {
        const char *key = spira_value_key_at(held, i);
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s %s", where, key);
        if (!spira_value_get(made, key))
            compare_values(comparison, path, spira_value_at(held, i), NULL);
    }
}

static void compare_values(const struct comparison *comparison, const char *where,
                           const struct spira_value *held, const struct spira_value *made)
{
    if (spira_value_type(held) == SPIRA_MAP && spira_value_type(made) == SPIRA_MAP) {
        compare_members(comparison, where, held, made);
    } else if (!held || !made || !spira_value_equal(held, made)) {
        SPIRA_CLEANUP(spira_free_at)
        char *held_text = held ? spira_value_to_text(held, SPIRA_COMPACT) : NULL;
        SPIRA_CLEANUP(spira_free_at)
        char *made_text = made ? spira_value_to_text(made, SPIRA_COMPACT) : NULL;
        differ(comparison, where, held_text, made_text);
    }
}

static bool add_run(void *context, const char *run_id)
{
    spira_value_set(context, run_id, spira_value_null());
    return true;
}

enum spira_code spira_state_count_runs(struct spira_run_state state, size_t *ret_count,
                                       struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *runs = spira_value_map();
    enum spira_code code = spira_state_runs(state, add_run, runs, err);
    *ret_count = spira_value_count(runs);
    return code;
}

static enum spira_code compare_run(const struct comparison *comparison, const char *run_id,
                                   struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *held = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *made = NULL;
    enum spira_code code = spira_state_run(comparison->held, run_id, &held, err);
    if (code == SPIRA_OK || code == SPIRA_ENOTFOUND)
        code = spira_state_run(comparison->made, run_id, &made, err);
    if (code != SPIRA_OK && code != SPIRA_ENOTFOUND)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *where = spira_format("run %s", run_id);
    if (held && made)
        compare_values(comparison, where, held, made);
    else if (held || made)
        differ(comparison, where, held ? "the run" : NULL, made ? "a run" : NULL);
    return SPIRA_OK;
}

/* A number that both states have of a thing. */
static void compare_numbers(const struct comparison *comparison, const char *where, int64_t held,
                            int64_t made)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *held_value = spira_value_int(held);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *made_value = spira_value_int(made);
    compare_values(comparison, where, held_value, made_value);
}

static enum spira_code compare_offsets(const struct comparison *comparison, const char *event,
                                       struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(comparison->worker, event);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = spira_bus_ranges(comparison->worker->bus, topic, &ranges, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        int64_t held = 0, made = 0;
        int32_t partition = ranges[i].partition;
        code = spira_state_applied(comparison->held, topic, partition, &held, err);
        if (code == SPIRA_OK)
            code = spira_state_applied(comparison->made, topic, partition, &made, err);
        if (code != SPIRA_OK)
            return code;
        SPIRA_CLEANUP(spira_free_at)
        char *where = spira_format("%s, partition %d, events applied", topic, (int)partition);
        compare_numbers(comparison, where, held, made);
    }
    return code;
}

static enum spira_code compare_counters(const struct comparison *comparison, const char *event,
                                        struct spira_error *err)
{
    int64_t held = 0, made = 0;
    enum spira_code code = spira_state_counter(comparison->held, event, &held, err);
    if (code == SPIRA_OK)
        code = spira_state_counter(comparison->made, event, &made, err);
    SPIRA_CLEANUP(spira_free_at)
    char *where = spira_format("counter %s", event);
    if (code == SPIRA_OK)
        compare_numbers(comparison, where, held, made);
    return code;
}

static enum spira_code compare_states(const struct comparison *comparison, struct spira_error *err)
{
    size_t count;
    const char *const *events = spira_run_tracker_events(&count);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        code = compare_offsets(comparison, events[i], err);
        if (code == SPIRA_OK)
            code = compare_counters(comparison, events[i], err);
    }
    if (code == SPIRA_OK)
        code = spira_state_runs(comparison->held, add_run, comparison->runs, err);
    if (code == SPIRA_OK)
        code = spira_state_runs(comparison->made, add_run, comparison->runs, err);
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(comparison->runs); i++)
        code = compare_run(comparison, spira_value_key_at(comparison->runs, i), err);
    return code;
}

/* Replays what is new, and compares once. */
static enum spira_code look(const struct spira_worker *replayer, struct spira_run_state held,
                            struct spira_progress progress, struct spira_state_check *check,
                            struct spira_error *err)
{
    spira_state_check_done(check);
    check->differences = spira_value_list();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *runs = spira_value_map();
    const struct comparison comparison = {.worker = replayer,
                                          .held = held,
                                          .made = replayer->state,
                                          .runs = runs,
                                          .differences = check->differences};
    enum spira_code code = spira_run_tracker_replay(replayer, progress, &check->counts, err);
    if (code == SPIRA_OK)
        code = compare_states(&comparison, err);
    check->runs = spira_value_count(runs);
    return code;
}

enum spira_code spira_state_compare(const struct spira_worker *worker, struct spira_run_state fresh,
                                    int64_t patience_ms, struct spira_progress progress,
                                    struct spira_state_check *ret_check, struct spira_error *err)
{
    struct spira_worker replayer = *worker;
    replayer.state = fresh;
    *ret_check = (struct spira_state_check){0};
    int64_t until = spira_clock_monotonic_ms(worker->clock) + patience_ms;
    for (;;) {
        enum spira_code code = look(&replayer, worker->state, progress, ret_check, err);
        if (code != SPIRA_OK || spira_value_count(ret_check->differences) == 0 ||
            spira_clock_monotonic_ms(worker->clock) >= until)
            return code;
        spira_clock_sleep_ms(worker->clock, AGAIN_MS);
    }
}

void spira_state_check_done(struct spira_state_check *check)
{
    spira_value_free(check->differences);
    check->differences = NULL;
}
