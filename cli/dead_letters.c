#include "cli/dead_letters.h"

#include "schemas/schema.h"
#include "workers/common/command_line/options.h"
#include "workers/common/run/events.h"

enum { TOPICS_MAX = 64, FLUSH_TIMEOUT_MS = 30000, QUEUED_MAX_BYTES = 16 << 20 };

struct reading {
    const struct spira_worker *worker;
    struct spira_value *letters;  /* identity: letter */
    struct spira_value *resolved; /* identity: how */
    size_t strange;
};

static void reading_done(struct reading *reading)
{
    spira_value_free(reading->letters);
    spira_value_free(reading->resolved);
}

/* A topic made anew counts its offsets from 0 again: its messages are others. */
static char *identity(const struct spira_value *letter)
{
    return spira_format("%s@%s", spira_value_get_text(letter, "id", ""),
                        spira_value_get_text(letter, "timestamp", ""));
}

static enum spira_code add_message(void *context, const struct spira_message *message,
                                   struct spira_error *err)
{
    (void)err;
    struct reading *reading = context;
    struct spira_value *letter = NULL;
    struct spira_error why;
    if (spira_dead_letter_open(reading->worker, message, &letter, &why) != SPIRA_OK) {
        reading->strange++;
        return SPIRA_OK;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *key = identity(letter);
    bool is_marker = spira_value_get(letter, "resolved") != NULL;
    struct spira_value *place = spira_value_set(letter, "place", spira_value_map());
    spira_value_set_int(place, "partition", message->partition);
    spira_value_set_int(place, "offset", message->offset);
    struct spira_value *into = is_marker ? reading->resolved : reading->letters;
    if (spira_value_get(into, key))
        spira_value_free(letter);
    else
        spira_value_set(into, key, letter);
    return SPIRA_OK;
}

static enum spira_code read_topic(struct reading *reading, const char *event,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic =
        spira_format("%s%s%s", reading->worker->topic_prefix, event, SPIRA_DEAD_LETTER_SUFFIX);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = spira_bus_ranges(reading->worker->bus, topic, &ranges, &count, err);
    if (code == SPIRA_ENOTFOUND)
        return SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        if (ranges[i].from < ranges[i].to)
            code = spira_bus_read(reading->worker->bus, &ranges[i], add_message, reading, err);
    return code;
}

/* The letters that are not resolved and have this reason (NULL: any). */
static struct spira_value *choose_open(const struct reading *reading, const char *reason)
{
    struct spira_value *chosen = spira_value_list();
    for (size_t i = 0; i < spira_value_count(reading->letters); i++) {
        const struct spira_value *letter = spira_value_at(reading->letters, i);
        if (spira_value_get(reading->resolved, spira_value_key_at(reading->letters, i)))
            continue;
        if (!reason || strcmp(spira_value_get_text(letter, "reason", ""), reason) == 0)
            spira_value_append(chosen, spira_value_copy(letter));
    }
    return chosen;
}

static enum spira_code check_topic(const char *topic, struct spira_error *err)
{
    if (!topic || spira_schema_find(topic))
        return SPIRA_OK;
    const char *names[TOPICS_MAX] = {0};
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    for (size_t i = 0; i < count && i + 1 < TOPICS_MAX; i++)
        names[i] = schemas[i].topic;
    const char *nearest = spira_nearest(topic, names);
    return spira_fail(err, SPIRA_EINVALID,
                      "'%s' is no topic of this system; topics are named without prefix, as '%s'",
                      topic, nearest ? nearest : "run.requested");
}

enum spira_code spira_dead_letters_list(const struct spira_worker *worker, const char *topic,
                                        const char *reason, struct spira_value **ret_letters,
                                        size_t *ret_strange, struct spira_error *err)
{
    enum spira_code code = check_topic(topic, err);
    if (code == SPIRA_OK && reason && !spira_dead_letter_is_reason(reason))
        code =
            spira_fail(err, SPIRA_EINVALID,
                       "--reason: '%s' is none; for example malformed, crashed, timeout", reason);
    SPIRA_CLEANUP(reading_done)
    struct reading reading = {
        .worker = worker, .letters = spira_value_map(), .resolved = spira_value_map()};
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        if (!topic || strcmp(schemas[i].topic, topic) == 0)
            code = read_topic(&reading, schemas[i].topic, err);
    if (code != SPIRA_OK)
        return code;
    *ret_letters = choose_open(&reading, reason);
    *ret_strange = reading.strange;
    return SPIRA_OK;
}

/* The newest: of a topic made anew an older letter may have the same id. */
static const struct spira_value *find_id(const struct spira_value *letters, const char *id)
{
    for (size_t i = spira_value_count(letters); i-- > 0;)
        if (strcmp(spira_value_get_text(spira_value_at(letters, i), "id", ""), id) == 0)
            return spira_value_at(letters, i);
    return NULL;
}

/* Gives the topic that an id "<topic>:<partition>:<offset>" begins with, freed with free(). */
static enum spira_code topic_of(const char *id, char **ret_topic, struct spira_error *err)
{
    size_t length = strcspn(id, ":");
    const char *at = id + length;
    size_t numbers = 0, digits;
    for (; *at == ':' && (digits = strspn(at + 1, "0123456789")) > 0; numbers++)
        at += 1 + digits;
    if (*at || numbers != 2)
        return spira_fail(err, SPIRA_EINVALID,
                          "'%s' is no dead letter's id, which is TOPIC:PARTITION:OFFSET", id);
    *ret_topic = spira_format("%.*s", (int)length, id);
    return SPIRA_OK;
}

enum spira_code spira_dead_letters_find(const struct spira_worker *worker, const char *const *ids,
                                        size_t count, struct spira_value **ret_letters,
                                        struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *found = spira_value_list();
    for (size_t i = 0; i < count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *topic = NULL;
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *letters = NULL;
        size_t strange;
        enum spira_code code = topic_of(ids[i], &topic, err);
        if (code == SPIRA_OK)
            code = spira_dead_letters_list(worker, topic, NULL, &letters, &strange, err);
        if (code != SPIRA_OK)
            return code;
        const struct spira_value *letter = find_id(letters, ids[i]);
        if (!letter)
            return spira_fail(err, SPIRA_ENOTFOUND, "%s: there is no open dead letter with this id",
                              ids[i]);
        if (!find_id(found, ids[i]))
            spira_value_append(found, spira_value_copy(letter));
    }
    *ret_letters = found;
    found = NULL;
    return SPIRA_OK;
}

/* Letters of one partition on their way to the visit. */
struct visiting {
    const struct spira_value *letters;
    size_t next, end;
    spira_dead_letter_visit *visit;
    void *context;
};

static int64_t place_of(const struct spira_value *letters, size_t index, const char *what)
{
    return spira_value_get_int(spira_value_get(spira_value_at(letters, index), "place"), what, 0);
}

static const char *topic_at(const struct spira_value *letters, size_t index)
{
    return spira_value_get_text(spira_value_at(letters, index), "topic", "");
}

static enum spira_code visit_message(void *context, const struct spira_message *message,
                                     struct spira_error *err)
{
    struct visiting *visiting = context;
    if (visiting->next == visiting->end ||
        message->offset < place_of(visiting->letters, visiting->next, "offset"))
        return SPIRA_OK;
    const struct spira_value *letter = spira_value_at(visiting->letters, visiting->next++);
    if (message->offset > place_of(visiting->letters, visiting->next - 1, "offset"))
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: its message expired",
                          spira_value_get_text(letter, "id", ""));
    return visiting->visit(visiting->context, letter, message, err);
}

/* The end of the letters from begin on that follow each other in one partition: one read is enough
 * for them. */
static size_t end_of_partition(const struct spira_value *letters, size_t begin)
{
    size_t end = begin + 1;
    while (end < spira_value_count(letters) &&
           strcmp(topic_at(letters, end), topic_at(letters, begin)) == 0 &&
           place_of(letters, end, "partition") == place_of(letters, begin, "partition") &&
           place_of(letters, end, "offset") > place_of(letters, end - 1, "offset"))
        end++;
    return end;
}

enum spira_code spira_dead_letters_read(const struct spira_worker *worker,
                                        const struct spira_value *letters,
                                        spira_dead_letter_visit *visit, void *context,
                                        struct spira_error *err)
{
    struct visiting visiting = {.letters = letters, .visit = visit, .context = context};
    while (visiting.next < spira_value_count(letters)) {
        size_t begin = visiting.next;
        visiting.end = end_of_partition(letters, begin);
        struct spira_offset_range range = {.partition =
                                               (int32_t)place_of(letters, begin, "partition"),
                                           .from = place_of(letters, begin, "offset"),
                                           .to = place_of(letters, visiting.end - 1, "offset") + 1};
        snprintf(range.topic, sizeof range.topic, "%s%s", topic_at(letters, begin),
                 SPIRA_DEAD_LETTER_SUFFIX);
        enum spira_code code = spira_bus_read(worker->bus, &range, visit_message, &visiting, err);
        if (code == SPIRA_OK && visiting.next < visiting.end)
            code =
                spira_fail(err, SPIRA_ENOTFOUND, "%s: its message expired",
                           spira_value_get_text(spira_value_at(letters, visiting.next), "id", ""));
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

struct retrying {
    const struct spira_worker *worker;
    size_t queued; /* bytes that are not yet acknowledged */
};

static enum spira_code send_again(void *context, const struct spira_value *letter,
                                  const struct spira_message *message, struct spira_error *err)
{
    (void)letter;
    struct retrying *retrying = context;
    enum spira_code code = spira_dead_letter_redrive(retrying->worker, message, err);
    retrying->queued += message->size;
    if (code != SPIRA_OK || retrying->queued < QUEUED_MAX_BYTES)
        return code;
    retrying->queued = 0;
    return spira_bus_flush(retrying->worker->bus, FLUSH_TIMEOUT_MS, err);
}

static enum spira_code resolve(const struct spira_worker *worker, const struct spira_value *letters,
                               const char *resolution, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(letters); i++)
        code = spira_dead_letter_resolve(worker, spira_value_at(letters, i), resolution, err);
    return code == SPIRA_OK ? spira_bus_flush(worker->bus, FLUSH_TIMEOUT_MS, err) : code;
}

enum spira_code spira_dead_letters_retry(const struct spira_worker *worker,
                                         const struct spira_value *letters, struct spira_error *err)
{
    struct retrying retrying = {.worker = worker};
    enum spira_code code = spira_dead_letters_read(worker, letters, send_again, &retrying, err);
    if (code == SPIRA_OK)
        code = spira_bus_flush(worker->bus, FLUSH_TIMEOUT_MS, err);
    return code == SPIRA_OK ? resolve(worker, letters, "retried", err) : code;
}

enum spira_code spira_dead_letters_discard(const struct spira_worker *worker,
                                           const struct spira_value *letters,
                                           struct spira_error *err)
{
    return resolve(worker, letters, "discarded", err);
}
