/* Port: where each run stands. A projection of the event topics: it can be wiped and rebuilt from
 * them at any time. Adapters: adapters/memory, adapters/redis, adapters/flaky. The run tracker is
 * its only writer, but for the short-lived progress of steps.
 *
 * It holds, for each run: fields (name to text) and sets (members, each with a text); beside the
 * runs, counters; and for each partition of each topic the offset behind the last event applied. */
#ifndef SPIRA_CORE_PORTS_RUN_STATE_H
#define SPIRA_CORE_PORTS_RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/value.h"

enum spira_state_action {
    SPIRA_STATE_SET,        /* run's field name becomes value */
    SPIRA_STATE_SET_ABSENT, /* the same, unless it has one */
    SPIRA_STATE_SET_FIRST,  /* run's field name becomes value and its field "<name>.order" member,
                               unless that is there and its bytes sort before member's or equal
                               them: the least order wins, in whatever order events come */
    SPIRA_STATE_ADD,  /* run's set name gets the member, with value; one that is there keeps its
                         value */
    SPIRA_STATE_COUNT /* counter name (no run) goes up by one */
};

struct spira_state_operation {
    enum spira_state_action action;
    const char *run_id; /* NULL for SPIRA_STATE_COUNT */
    const char *name;
    const char *member; /* SPIRA_STATE_ADD; the order of SPIRA_STATE_SET_FIRST, digits */
    const char *value;
};

/* What one event changes. */
struct spira_state_change {
    const char *topic;
    int32_t partition;
    int64_t offset;
    const struct spira_state_operation *operations;
    size_t count;
};

/* Borrows run_id; returns false to end the listing. */
typedef bool spira_run_visit(void *context, const char *run_id);

struct spira_run_state_ops {
    /* In one step: when change.offset is the partition's applied offset, does the operations and
     * moves it to offset + 1. Below it: nothing, ret_applied is true (a redelivery). Above it (a
     * gap): nothing, ret_applied is false, and the caller rewinds to what `applied` says. */
    enum spira_code (*apply)(void *self, const struct spira_state_change *change, bool *ret_applied,
                             struct spira_error *err);
    /* The offset the partition's next event must have; 0 where none was applied. */
    enum spira_code (*applied)(void *self, const char *topic, int32_t partition,
                               int64_t *ret_offset, struct spira_error *err);
    /* Gives the run as {"fields": {name: value}, "sets": {name: {member: value}}}, names and
     * members in the order of their bytes. SPIRA_ENOTFOUND. */
    enum spira_code (*run)(void *self, const char *run_id, struct spira_value **ret_run,
                           struct spira_error *err);
    /* Gives one field of a run, freed with free(); NULL where the run or the field is not there. */
    enum spira_code (*field)(void *self, const char *run_id, const char *name, char **ret_text,
                             struct spira_error *err);
    /* Members of a run's set; 0 where there is none. */
    enum spira_code (*set_size)(void *self, const char *run_id, const char *name, size_t *ret_size,
                                struct spira_error *err);
    /* Visits the run ids, newest first (UUIDv7 order). */
    enum spira_code (*runs)(void *self, spira_run_visit *visit, void *context,
                            struct spira_error *err);
    /* A counter; 0 where there is none. */
    enum spira_code (*counter)(void *self, const char *name, int64_t *ret_count,
                               struct spira_error *err);
    /* A step's progress (any text), gone after ttl_ms. */
    enum spira_code (*put_progress)(void *self, const char *run_id, const char *step,
                                    const char *text, int64_t ttl_ms, struct spira_error *err);
    /* Gives {step: text} of what has not expired. */
    enum spira_code (*progress)(void *self, const char *run_id, struct spira_value **ret_progress,
                                struct spira_error *err);
    /* Forgets everything. */
    enum spira_code (*clear)(void *self, struct spira_error *err);
    enum spira_code (*probe)(void *self, struct spira_error *err);
    void (*close)(void *self);
};

/* Safe for any number of threads. */
struct spira_run_state {
    const struct spira_run_state_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code
spira_state_apply(struct spira_run_state state, const struct spira_state_change *change,
                  bool *ret_applied, struct spira_error *err)
{
    return state.ops->apply(state.self, change, ret_applied, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_state_applied(struct spira_run_state state, const char *topic, int32_t partition,
                    int64_t *ret_offset, struct spira_error *err)
{
    return state.ops->applied(state.self, topic, partition, ret_offset, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_state_run(struct spira_run_state state,
                                                             const char *run_id,
                                                             struct spira_value **ret_run,
                                                             struct spira_error *err)
{
    return state.ops->run(state.self, run_id, ret_run, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_state_field(struct spira_run_state state,
                                                               const char *run_id, const char *name,
                                                               char **ret_text,
                                                               struct spira_error *err)
{
    return state.ops->field(state.self, run_id, name, ret_text, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_state_set_size(struct spira_run_state state, const char *run_id, const char *name,
                     size_t *ret_size, struct spira_error *err)
{
    return state.ops->set_size(state.self, run_id, name, ret_size, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_state_runs(struct spira_run_state state,
                                                              spira_run_visit *visit, void *context,
                                                              struct spira_error *err)
{
    return state.ops->runs(state.self, visit, context, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_state_counter(struct spira_run_state state,
                                                                 const char *name,
                                                                 int64_t *ret_count,
                                                                 struct spira_error *err)
{
    return state.ops->counter(state.self, name, ret_count, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_state_put_progress(struct spira_run_state state, const char *run_id, const char *step,
                         const char *text, int64_t ttl_ms, struct spira_error *err)
{
    return state.ops->put_progress(state.self, run_id, step, text, ttl_ms, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_state_progress(struct spira_run_state state,
                                                                  const char *run_id,
                                                                  struct spira_value **ret_progress,
                                                                  struct spira_error *err)
{
    return state.ops->progress(state.self, run_id, ret_progress, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_state_clear(struct spira_run_state state,
                                                               struct spira_error *err)
{
    return state.ops->clear(state.self, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_state_probe(struct spira_run_state state,
                                                               struct spira_error *err)
{
    return state.ops->probe(state.self, err);
}

/* For SPIRA_CLEANUP; a zeroed state is fine. */
static inline void spira_run_state_done(struct spira_run_state *state)
{
    if (state->ops)
        state->ops->close(state->self);
    state->ops = NULL;
}

#endif
