#include "workers/common/step/repair.h"

#include "workers/common/run/run_request.h"

/* A run that lost an object. */
struct loss {
    const struct spira_worker *worker;
    const char *run_id, *key;
    const struct spira_value *run; /* its state */
};

static enum spira_code fail_unknown(const struct loss *loss, struct spira_error *err)
{
    return spira_fail(err, SPIRA_EALTERED,
                      "%s: the object is gone or altered, and run %s does not know what makes it",
                      loss->key, loss->run_id);
}

/* Whether the object is of the artifact that has a document of this reference. */
static bool is_beside(const struct loss *loss, const struct spira_value *reference)
{
    const char *document = spira_value_get_text(reference, "key", "");
    const char *slash = strrchr(document, '/');
    return slash && strncmp(loss->key, document, (size_t)(slash - document) + 1) == 0;
}

static bool begins(const struct loss *loss, const char *prefix)
{
    return strncmp(loss->key, prefix, strlen(prefix)) == 0;
}

/* Gives the reference that a text of the state holds. */
static enum spira_code parse(const struct loss *loss, const char *text,
                             struct spira_value **ret_reference, struct spira_error *err)
{
    return text ? spira_config_parse(loss->worker->tools.json, "a run's reference", text,
                                     strlen(text), ret_reference, err)
                : fail_unknown(loss, err);
}

/* Sets a field of an event to the reference in a field of the run. */
static enum spira_code set_reference(const struct loss *loss, struct spira_value *event,
                                     const char *name, const char *field, struct spira_error *err)
{
    const struct spira_value *fields = spira_value_get(loss->run, "fields");
    struct spira_value *reference = NULL;
    enum spira_code code = parse(loss, spira_value_get_text(fields, field, NULL), &reference, err);
    if (code == SPIRA_OK)
        spira_value_set(event, name, reference);
    return code;
}

static enum spira_code emit(const struct loss *loss, const char *name,
                            const struct spira_value *event, struct spira_error *err)
{
    return spira_run_event_emit(loss->worker, name, loss->run_id, spira_value_copy(event), err);
}

/* Sets a field of an event to a number in the field of the same name of the run. */
static void set_count(const struct loss *loss, struct spira_value *event, const char *name)
{
    const struct spira_value *fields = spira_value_get(loss->run, "fields");
    spira_value_set_int(event, name, strtoll(spira_value_get_text(fields, name, "0"), NULL, 10));
}

/* Parts of a run: how their maker is asked for one of them. */
struct parts {
    const char *set;       /* of the run, and the event's field with their number */
    const char *number;    /* the event's field that says which */
    const char *reference; /* the event's field that says of what, and the run's */
    const char *event;
};

static const struct parts shards = {"shards", "shard", "plan", "features.requested"};
static const struct parts members = {"members", "member", "dataset", "training.requested"};

/* Asks for the part whose artifact the object is of, or for any one of them. */
static enum spira_code ask_for_part(const struct loss *loss, const struct parts *parts, bool any,
                                    struct spira_error *err)
{
    const struct spira_value *set = spira_value_get(spira_value_get(loss->run, "sets"), parts->set);
    for (size_t i = 0; i < spira_value_count(set); i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *artifact = NULL;
        enum spira_code code =
            parse(loss, spira_value_as_text(spira_value_at(set, i), NULL), &artifact, err);
        if (code != SPIRA_OK)
            return code;
        if (!any && !is_beside(loss, artifact))
            continue;
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *event = spira_value_map();
        spira_value_set_int(event, parts->number, strtoll(spira_value_key_at(set, i), NULL, 10));
        set_count(loss, event, parts->set);
        code = set_reference(loss, event, parts->reference, parts->reference, err);
        return code == SPIRA_OK ? emit(loss, parts->event, event, err) : code;
    }
    return fail_unknown(loss, err);
}

/* The plan is made by whoever takes the run up; the other documents when a shard is there. */
static enum spira_code ask_for_dataset(const struct loss *loss, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = spira_value_map();
    enum spira_code code = set_reference(loss, event, "plan", "plan", err);
    if (code != SPIRA_OK)
        return code;
    return is_beside(loss, spira_value_get(event, "plan"))
               ? spira_run_request_again(loss->worker, loss->run_id, err)
               : ask_for_part(loss, &shards, true, err);
}

/* Whether the run has several trainings. */
static bool has_members(const struct loss *loss)
{
    return spira_value_find(loss->run, "fields.members");
}

static enum spira_code ask_for_model(const struct loss *loss, struct spira_error *err)
{
    if (has_members(loss))
        return ask_for_part(loss, &members, false, err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = spira_value_map();
    set_count(loss, event, "shards");
    enum spira_code code = set_reference(loss, event, "dataset", "dataset", err);
    return code == SPIRA_OK ? emit(loss, "features.completed", event, err) : code;
}

/* The list of the members is made when one of them is there. */
static enum spira_code ask_for_members(const struct loss *loss, struct spira_error *err)
{
    return ask_for_part(loss, &members, true, err);
}

static enum spira_code ask_for_evaluation(const struct loss *loss, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = spira_value_map();
    enum spira_code code = set_reference(loss, event, "dataset", "dataset", err);
    if (code == SPIRA_OK)
        code = set_reference(loss, event, "artifact", "model", err);
    if (code == SPIRA_OK && has_members(loss))
        code = set_reference(loss, event, "members", "ensemble", err);
    return code == SPIRA_OK ? emit(loss, "model.trained", event, err) : code;
}

enum spira_code spira_repair(const struct spira_worker *worker, const char *run_id, const char *key,
                             struct spira_error *err)
{
    static const struct {
        const char *prefix;
        enum spira_code (*ask)(const struct loss *loss, struct spira_error *err);
    } makers[] = {
        {"dataset/", ask_for_dataset},
        {"models/", ask_for_model},
        {"members/", ask_for_members},
        {"evaluations/", ask_for_evaluation},
    };
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    enum spira_code code = spira_state_run(worker->state, run_id, &run, err);
    if (code != SPIRA_OK && code != SPIRA_ENOTFOUND)
        return code;
    const struct loss loss = {.worker = worker, .run_id = run_id, .key = key, .run = run};
    if (begins(&loss, "corpus/"))
        return spira_run_request_again(worker, run_id, err);
    if (begins(&loss, "features/"))
        return ask_for_part(&loss, &shards, false, err);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (begins(&loss, makers[i].prefix))
            return makers[i].ask(&loss, err);
    return fail_unknown(&loss, err);
}
