#include "workers/run_tracker/run_tracker.h"

#include "workers/common/run/run_object.h"
#include "workers/run_tracker/fan_in.h"
#include "workers/run_tracker/member_fan_in.h"

/* What an event does to its run, beside what its fields say.
 *
 * Topics are read in any order against each other, and again from their beginning: what a run
 * becomes must not depend on it. Of one topic the events about one run come in order (they share
 * the key); so of fields that a single topic sets the first value stays, and only the state, which
 * several topics set, needs an order of its own (state_order). */
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
    {"training.requested", NULL, NULL},
    {"training.computed", "model_training", NULL},
    {"model.trained", "model_training", NULL},
    {"model.evaluated", "model_evaluation", NULL},
    {"model.published", "model_publish", "succeeded"},
    {"run.failed", NULL, "failed"},
    {"run.canceled", NULL, "canceled"},
    {"run.control", NULL, NULL},
    {"audio.accepted", NULL, NULL},
    {"audio.rejected", NULL, NULL},
    {"audio.withdrawn", NULL, NULL},
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

static bool wants_cancel(const struct rule *rule, const struct spira_value *value)
{
    return strcmp(rule->event, "run.control") == 0 &&
           strcmp(spira_value_get_text(value, "action", ""), "cancel") == 0;
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

/* The parts of a run that are done each by an event of its own: the run's set of them, and the
 * field that numbers them. */
static const struct part {
    const char *event, *set, *number;
} parts[] = {{"features.computed", "shards", "shard"}, {"training.computed", "members", "member"}};

/* NULL: the event is about no part. */
static const struct part *find_part(const char *event)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].event, event) == 0)
            return &parts[i];
    return NULL;
}

/* A step's executions, a member for each part or one alone: {"status", "seconds"}. The plan is one
 * execution, however many shards it requests. */
static void add_execution(struct change *change, const struct rule *rule,
                          const struct spira_value *value)
{
    const struct spira_value *execution = spira_value_get(value, SPIRA_EXECUTION);
    const char *step = rule->step ? rule->step : spira_value_get_text(value, "step", NULL);
    if (!execution || !step)
        return;
    const struct part *part = find_part(rule->event);
    int64_t number = part ? spira_value_get_int(value, part->number, 0) : 0;
    add(change, SPIRA_STATE_ADD, keep(change, spira_format("step.%s", step)),
        keep(change, spira_format("%s.%05jd", rule->event, (intmax_t)number)),
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
        {"training.requested", "members", "members"},
        {"model.trained", "artifact", "model"},
        {"model.trained", "members", "ensemble"},
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
    const struct part *part = find_part(rule->event);
    if (part)
        add(change, SPIRA_STATE_ADD, part->set,
            keep(change,
                 spira_format("%05jd", (intmax_t)spira_value_get_int(value, part->number, 0))),
            keep(change, spira_value_to_text(spira_value_get(value, "artifact"), SPIRA_CANONICAL)));
}

/* The place of a state among those that a run's events ask for; the least one counts. A run that is
 * over stays as it ended: by the event that the bus got first, and among equals by the table. One
 * that runs does not become pending again. */
static char *state_order(const struct rule *rule, const struct spira_message *message)
{
    if (!spira_run_is_over(rule->state))
        return spira_copy_text(strcmp(rule->state, "running") == 0 ? "1" : "2");
    int64_t time_ms = message->timestamp_ms > 0 ? message->timestamp_ms : 0;
    return spira_format("0%020jd%02zu", (intmax_t)time_ms, (size_t)(rule - rules));
}

static void add_state(struct change *change, const struct rule *rule,
                      const struct spira_value *value, const struct spira_message *message)
{
    bool rejected = spira_value_get_bool(value, "rejected", false);
    if (rule->state)
        add(change, SPIRA_STATE_SET_FIRST, "state", keep(change, state_order(rule, message)),
            rejected ? "rejected" : rule->state);
    if (wants_cancel(rule, value))
        add(change, SPIRA_STATE_SET_ABSENT, "wanted", NULL, "canceled");
}

/* Goes on behind a message that changes nothing. */
static enum spira_code pass_over(const struct spira_worker *worker, const char *topic,
                                 int32_t partition, int64_t offset, bool *ret_applied,
                                 struct spira_error *err)
{
    const struct spira_state_change nothing = {
        .topic = topic, .partition = partition, .offset = offset};
    return spira_state_apply(worker->state, &nothing, ret_applied, err);
}

enum spira_code spira_run_tracker_skip(const struct spira_worker *worker, const char *topic,
                                       int32_t partition, int64_t to, struct spira_error *err)
{
    int64_t next = 0;
    bool applied = true;
    enum spira_code code = spira_state_applied(worker->state, topic, partition, &next, err);
    for (; code == SPIRA_OK && next < to && applied; next++)
        code = pass_over(worker, topic, partition, next, &applied, err);
    if (code == SPIRA_OK && !applied)
        return spira_fail(err, SPIRA_ECONFLICT, "%s, partition %d: somebody else cleared the state",
                          topic, (int)partition);
    return code;
}

enum spira_code spira_run_tracker_apply(const struct spira_worker *worker,
                                        const struct spira_message *message,
                                        struct spira_value **ret_value, bool *ret_applied,
                                        struct spira_error *err)
{
    const char *event = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = spira_event_open(worker, message, &event, &value, err);
    if (code != SPIRA_OK) {
        struct spira_error why;
        enum spira_code passed = pass_over(worker, message->topic, message->partition,
                                           message->offset, ret_applied, &why);
        if (passed != SPIRA_OK)
            *err = why;
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
        add_state(&change, rule, value, message);
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
    if (code == SPIRA_OK && ret_value) {
        *ret_value = value;
        value = NULL;
    }
    return code;
}

/* Ends a run under way that is to be canceled. */
static enum spira_code cancel(const struct spira_worker *worker, const char *run_id,
                              struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *state = NULL;
    enum spira_code code = spira_state_field(worker->state, run_id, "state", &state, err);
    if (code != SPIRA_OK || (state && spira_run_is_over(state)))
        return code;
    struct spira_value *fields = spira_value_map();
    return spira_run_event_emit(worker, "run.canceled", run_id, fields, err);
}

enum spira_code spira_run_tracker_follow_up(const struct spira_worker *worker,
                                            const struct spira_message *message,
                                            const struct spira_value *value,
                                            struct spira_error *err)
{
    const struct rule *rule = find_rule(message->topic + strlen(worker->topic_prefix));
    if (rule && wants_cancel(rule, value))
        return cancel(worker, spira_value_get_text(value, "run_id", ""), err);
    if (rule && strcmp(rule->event, "features.computed") == 0)
        return spira_fan_in(worker, value, err);
    if (rule && strcmp(rule->event, "training.computed") == 0)
        return spira_member_fan_in(worker, value, err);
    return SPIRA_OK;
}

enum spira_code spira_run_tracker_handle(const struct spira_worker *worker,
                                         const struct spira_message *message, bool *ret_applied,
                                         struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = spira_run_tracker_apply(worker, message, &value, ret_applied, err);
    if (code != SPIRA_OK || !*ret_applied)
        return code;
    return spira_run_tracker_follow_up(worker, message, value, err);
}
