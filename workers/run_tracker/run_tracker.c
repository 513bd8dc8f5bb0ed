#include "workers/run_tracker/run_tracker.h"

#include "workers/common/run_object.h"
#include "workers/run_tracker/fan_in.h"

/* What an event does to its run, beside what its fields say. */
struct rule {
    const char *event;
    const char *step;  /* the step that emitted it; NULL: none */
    const char *state; /* the run's state after it; NULL: as before */
};

static const struct rule rules[] = {
    {"run.requested", NULL, "pending"},
    {"features.requested", "feature_engineering", "running"},
    {"features.computed", "feature_engineering", NULL},
    {"features.completed", NULL, NULL},
    {"model.trained", "model_training", NULL},
    {"model.evaluated", "model_evaluation", NULL},
    {"model.published", "model_publish", "succeeded"},
    {"run.failed", NULL, "failed"},
    {"run.canceled", NULL, "canceled"},
    {"audio.accepted", NULL, NULL},
    {"audio.rejected", NULL, NULL},
};

enum { RULES = sizeof rules / sizeof *rules, OPERATIONS_MAX = 8 };

const char *const *spira_run_tracker_events(size_t *ret_count)
{
    static const char *events[RULES];
    for (size_t i = 0; i < RULES; i++)
        events[i] = rules[i].event;
    *ret_count = RULES;
    return events;
}

static const struct rule *find_rule(const char *event)
{
    for (size_t i = 0; i < RULES; i++)
        if (strcmp(rules[i].event, event) == 0)
            return &rules[i];
    return NULL;
}

/* The operations of one event; texts are freed with it. */
struct change {
    const char *run_id;
    struct spira_state_operation operations[OPERATIONS_MAX];
    size_t count;
    char *texts[2 * OPERATIONS_MAX];
    size_t text_count;
};

static const char *keep(struct change *change, char *text)
{
    return change->texts[change->text_count++] = text;
}

static void add(struct change *change, enum spira_state_action action, const char *name,
                const char *member, const char *value)
{
    change->operations[change->count++] = (struct spira_state_operation){
        .action = action, .run_id = change->run_id, .name = name, .member = member, .value = value};
}

static void change_done(struct change *change)
{
    for (size_t i = 0; i < change->text_count; i++)
        free(change->texts[i]);
}

/* A step's executions, a member for each shard or one alone: {"status", "seconds"}. The plan is one
 * execution, however many shards it requests. */
static void add_execution(struct change *change, const struct rule *rule,
                          const struct spira_value *value)
{
    const struct spira_value *execution = spira_value_get(value, SPIRA_EXECUTION);
    const char *step = rule->step ? rule->step : spira_value_get_text(value, "step", NULL);
    if (!execution || !step)
        return;
    bool by_shard = strcmp(rule->event, "features.computed") == 0;
    int64_t shard = by_shard ? spira_value_get_int(value, "shard", 0) : 0;
    add(change, SPIRA_STATE_ADD, keep(change, spira_format("step.%s", step)),
        keep(change, spira_format("%s.%05jd", rule->event, (intmax_t)shard)),
        keep(change, spira_value_to_text(execution, SPIRA_COMPACT)));
}

/* What the event says of its run, as fields: references stay JSON. */
static void add_fields(struct change *change, const struct rule *rule,
                       const struct spira_value *value)
{
    static const struct {
        const char *event, *from, *to;
    } fields[] = {
        {"run.requested", "name", "name"},
        {"run.requested", "manifest", "manifest"},
        {"features.requested", "shards", "shards"},
        {"features.requested", "plan", "plan"},
        {"features.completed", "dataset", "dataset"},
        {"model.trained", "artifact", "model"},
        {"model.evaluated", "artifact", "evaluation"},
        {"model.published", "version", "version"},
        {"model.published", "key", "published"},
        {"run.failed", "message", "message"},
        {"run.failed", "reason", "reason"},
        {"run.failed", "step", "failed_step"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct spira_value *field = spira_value_get(value, fields[i].from);
        if (strcmp(fields[i].event, rule->event) != 0 || spira_value_type(field) == SPIRA_NULL)
            continue;
        const char *text = spira_value_as_text(field, NULL);
        add(change, SPIRA_STATE_SET_ABSENT, fields[i].to, NULL,
            text ? text : keep(change, spira_value_to_text(field, SPIRA_CANONICAL)));
    }
    if (strcmp(rule->event, "features.computed") == 0)
        add(change, SPIRA_STATE_ADD, "shards",
            keep(change, spira_format("%05jd", (intmax_t)spira_value_get_int(value, "shard", 0))),
            keep(change, spira_value_to_text(spira_value_get(value, "artifact"), SPIRA_CANONICAL)));
}

/* A run that is over stays as it ended; one that runs does not become pending again. */
static enum spira_code add_state(const struct spira_worker *worker, struct change *change,
                                 const struct rule *rule, const struct spira_value *value,
                                 struct spira_error *err)
{
    if (!rule->state)
        return SPIRA_OK;
    bool pending = strcmp(rule->state, "pending") == 0;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    enum spira_code code = spira_state_run(worker->state, change->run_id, &run, err);
    if (code != SPIRA_OK && code != SPIRA_ENOTFOUND)
        return code;
    if (spira_run_is_over(spira_value_as_text(spira_value_find(run, "fields.state"), "")))
        return SPIRA_OK;
    bool rejected = spira_value_get_bool(value, "rejected", false);
    add(change, pending ? SPIRA_STATE_SET_ABSENT : SPIRA_STATE_SET, "state", NULL,
        rejected ? "rejected" : rule->state);
    return SPIRA_OK;
}

/* Goes on behind a message that is no event of ours: its caller puts it aside. */
static enum spira_code pass_over(const struct spira_worker *worker,
                                 const struct spira_message *message, bool *ret_applied,
                                 struct spira_error *err)
{
    const struct spira_state_change nothing = {
        .topic = message->topic, .partition = message->partition, .offset = message->offset};
    struct spira_error why;
    enum spira_code code = spira_state_apply(worker->state, &nothing, ret_applied, &why);
    if (code != SPIRA_OK)
        *err = why;
    return code;
}

enum spira_code spira_run_tracker_handle(const struct spira_worker *worker,
                                         const struct spira_message *message, bool *ret_applied,
                                         struct spira_error *err)
{
    const char *event = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = spira_event_open(worker, message, &event, &value, err);
    if (code != SPIRA_OK) {
        enum spira_code passed = pass_over(worker, message, ret_applied, err);
        return passed == SPIRA_OK ? code : passed;
    }
    const struct rule *rule = find_rule(event);
    if (!rule)
        return spira_fail(err, SPIRA_EBUG, "%s: the run tracker does not follow this topic",
                          message->topic);
    SPIRA_CLEANUP(change_done)
    struct change change = {.run_id = spira_value_get_text(value, "run_id", NULL)};
    if (change.run_id) {
        add_fields(&change, rule, value);
        add_execution(&change, rule, value);
        code = add_state(worker, &change, rule, value, err);
        if (code != SPIRA_OK)
            return code;
    } else {
        add(&change, SPIRA_STATE_COUNT, event, NULL, NULL);
    }
    const struct spira_state_change applied = {
        .topic = message->topic,
        .partition = message->partition,
        .offset = message->offset,
        .operations = change.operations,
        .count = change.count,
    };
    code = spira_state_apply(worker->state, &applied, ret_applied, err);
    if (code == SPIRA_OK && *ret_applied && strcmp(event, "features.computed") == 0)
        code = spira_fan_in(worker, value, err);
    return code;
}
