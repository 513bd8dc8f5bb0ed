#include "adapters/flaky/run_state_flaky.h"

struct flaky_state {
    struct spira_run_state inner;
    struct spira_flaky_play play;
};

static enum spira_code apply(void *self, const struct spira_state_change *change, bool *ret_applied,
                             struct spira_error *err)
{
    struct flaky_state *flaky = self;
    struct spira_flaky_turn turn = spira_flaky_next(&flaky->play, "apply");
    if (turn.before != SPIRA_OK)
        return spira_flaky_fail(turn.before, "apply", err);
    bool applied;
    enum spira_code code = spira_state_apply(flaky->inner, change, &applied, err);
    if (code != SPIRA_OK)
        return code;
    if (turn.after != SPIRA_OK)
        return spira_flaky_fail(turn.after, "apply", err);
    *ret_applied = applied;
    return SPIRA_OK;
}

static enum spira_code applied(void *self, const char *topic, int32_t partition,
                               int64_t *ret_offset, struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "applied",
                     spira_state_applied(flaky->inner, topic, partition, ret_offset, err), err);
}

static enum spira_code get_run(void *self, const char *run_id, struct spira_value **ret_run,
                               struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "run", spira_state_run(flaky->inner, run_id, ret_run, err), err);
}

static enum spira_code field(void *self, const char *run_id, const char *name, char **ret_text,
                             struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "field",
                     spira_state_field(flaky->inner, run_id, name, ret_text, err), err);
}

static enum spira_code set_size(void *self, const char *run_id, const char *name, size_t *ret_size,
                                struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "set_size",
                     spira_state_set_size(flaky->inner, run_id, name, ret_size, err), err);
}

static enum spira_code list_runs(void *self, spira_run_visit *visit, void *context,
                                 struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "runs", spira_state_runs(flaky->inner, visit, context, err),
                     err);
}

static enum spira_code counter(void *self, const char *name, int64_t *ret_count,
                               struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "counter",
                     spira_state_counter(flaky->inner, name, ret_count, err), err);
}

static enum spira_code put_progress(void *self, const char *run_id, const char *step,
                                    const char *text, int64_t ttl_ms, struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "put_progress",
                       spira_state_put_progress(flaky->inner, run_id, step, text, ttl_ms, err),
                       err);
}

static enum spira_code progress(void *self, const char *run_id, struct spira_value **ret_progress,
                                struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "progress",
                     spira_state_progress(flaky->inner, run_id, ret_progress, err), err);
}

static enum spira_code clear(void *self, struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "clear", spira_state_clear(flaky->inner, err), err);
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    struct flaky_state *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "probe", spira_state_probe(flaky->inner, err), err);
}

static void close_flaky(void *self)
{
    struct flaky_state *flaky = self;
    spira_run_state_done(&flaky->inner);
    free(flaky);
}

struct spira_run_state spira_run_state_flaky(struct spira_run_state inner,
                                             struct spira_flaky_script *scripts, size_t count)
{
    static const struct spira_run_state_ops ops = {.applied = applied,
                                                   .run = get_run,
                                                   .field = field,
                                                   .set_size = set_size,
                                                   .runs = list_runs,
                                                   .counter = counter,
                                                   .put_progress = put_progress,
                                                   .progress = progress,
                                                   .clear = clear,
                                                   .probe = probe,
                                                   .apply = apply,
                                                   .close = close_flaky};
    struct flaky_state *flaky = spira_alloc(1, sizeof *flaky);
    *flaky = (struct flaky_state){.inner = inner, .play = {scripts, count}};
    return (struct spira_run_state){.ops = &ops, .self = flaky};
}
