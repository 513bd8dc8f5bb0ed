#include "workers/common/loop/dead_letter.h"

#include "core/base/moment.h"
#include "core/base/text.h"
#include "schemas/schema.h"
#include "workers/common/version.h"

enum { OWN_HEADERS = 13, ERROR_MAX = 1024 };

static const char own_prefix[] = "dlq-";
static const char redrive_header[] = "x-redrive-of";
static const char left_header[] = "dlq-value-left";
static const char schema_reason[] = "rejected_by_schema";
static const char other_reason[] = "invalid";

/* Why a message is put aside, in one word. A message that is not valid is looked at once more. */
static const char *const code_reasons[] = {
    [SPIRA_OK] = "none",
    [SPIRA_EINVALID] = "malformed",
    [SPIRA_ENOTFOUND] = "not_found",
    [SPIRA_ETOOBIG] = "too_large",
    [SPIRA_ETOOLONG] = "too_long",
    [SPIRA_EUNSUPPORTED] = "unsupported",
    [SPIRA_EREJECTED] = "rejected_by_gate",
    [SPIRA_EQUARANTINE] = "quarantine",
    [SPIRA_EDIVERGED] = "diverged",
    [SPIRA_ECRASHED] = "crashed",
    [SPIRA_EOVERRAN] = "timeout",
    [SPIRA_EOUTGREW] = "memory",
    [SPIRA_ECONFLICT] = "conflict",
    [SPIRA_EUNREACHABLE] = "unreachable",
    [SPIRA_EIO] = "io",
    [SPIRA_EALTERED] = "altered",
    [SPIRA_ENOMEMORY] = "memory",
    [SPIRA_ETIMEOUT] = "timeout",
    [SPIRA_EINTERRUPTED] = "interrupted",
    [SPIRA_ECANCELED] = "canceled",
    [SPIRA_EDETERMINISM] = "determinism",
    [SPIRA_EBUG] = "bug",
};

enum { CODES = sizeof code_reasons / sizeof *code_reasons };

bool spira_dead_letter_is_reason(const char *word)
{
    for (size_t i = SPIRA_OK + 1; i < CODES; i++)
        if (strcmp(code_reasons[i], word) == 0)
            return true;
    return strcmp(word, schema_reason) == 0 || strcmp(word, other_reason) == 0;
}

static const char *reason_of(const struct spira_worker *worker,
                             const struct spira_dead_letter *letter)
{
    const struct spira_message *message = letter->message;
    enum spira_code code = letter->failure.code;
    if (code != SPIRA_EINVALID)
        return (size_t)code < CODES ? code_reasons[code] : other_reason;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    struct spira_error err;
    if (spira_event_decode(worker->codec, message->value, message->size, &value, &err) != SPIRA_OK)
        return code_reasons[SPIRA_EINVALID];
    size_t prefix = strlen(worker->topic_prefix);
    const struct spira_schema *schema =
        strlen(message->topic) > prefix ? spira_schema_find(message->topic + prefix) : NULL;
    bool fits = schema && spira_schema_check(schema, value, &err) == SPIRA_OK;
    return fits ? other_reason : schema_reason;
}

static bool is_own(const struct spira_header *header)
{
    return strncmp(header->name, own_prefix, sizeof own_prefix - 1) == 0;
}

/* The headers of a message on its way to another topic: those it came with, but for ours, and room
 * for more. Free with free(). */
static struct spira_header *take_headers(const struct spira_message *message, size_t more,
                                         size_t *ret_count)
{
    struct spira_header *headers = spira_alloc(message->header_count + more, sizeof *headers);
    *ret_count = 0;
    for (size_t i = 0; i < message->header_count; i++)
        if (!is_own(&message->headers[i]))
            headers[(*ret_count)++] = message->headers[i];
    return headers;
}

/* At most ERROR_MAX - 1 bytes of UTF-8; free with free(). */
static char *error_text(const struct spira_error *failure)
{
    char *text = spira_utf8_repair(failure->message);
    if (strlen(text) >= ERROR_MAX) {
        size_t end = ERROR_MAX - 1;
        while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
            end--;
        text[end] = '\0';
    }
    return text;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Queues the message with our headers behind its own. */
static enum spira_code send_whole(const struct spira_worker *worker, const char *topic,
                                  const struct spira_message *message,
                                  const struct spira_header own[OWN_HEADERS],
                                  struct spira_error *err)
{
    size_t count = 0;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_header *headers = take_headers(message, OWN_HEADERS, &count);
    memcpy(headers + count, own, OWN_HEADERS * sizeof *own);
    struct spira_message sent = *message;
    sent.topic = topic;
    sent.headers = headers;
    sent.header_count = count + OWN_HEADERS;
    return spira_bus_send(worker->bus, &sent, err);
}

/* Queues our headers alone: with them the message would be larger than one may be. */
static enum spira_code send_alone(const struct spira_worker *worker, const char *topic,
                                  const struct spira_message *message,
                                  const struct spira_header own[OWN_HEADERS],
                                  struct spira_error *err)
{
    char left[32];
    snprintf(left, sizeof left, "%zu", message->size);
    struct spira_header headers[OWN_HEADERS + 1];
    memcpy(headers, own, OWN_HEADERS * sizeof *own);
    headers[OWN_HEADERS] = (struct spira_header){left_header, left};
    const struct spira_message sent = {
        .topic = topic, .headers = headers, .header_count = OWN_HEADERS + 1};
    return spira_bus_send(worker->bus, &sent, err);
}

enum spira_code spira_dead_letter_send(const struct spira_worker *worker,
                                       const struct spira_dead_letter *letter,
                                       struct spira_error *err)
{
    const struct spira_message *message = letter->message;
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_format("%s%s", message->topic, SPIRA_DEAD_LETTER_SUFFIX);
    SPIRA_CLEANUP(spira_free_at)
    char *error = error_text(&letter->failure);
    char partition[16], offset[32], attempts[16], signal_number[16];
    snprintf(partition, sizeof partition, "%d", (int)message->partition);
    snprintf(offset, sizeof offset, "%jd", (intmax_t)message->offset);
    snprintf(attempts, sizeof attempts, "%u", letter->attempts);
    snprintf(signal_number, sizeof signal_number, "%d", letter->signal);
    struct spira_moment_text arrived = spira_moment_format(message->timestamp_ms);
    struct spira_moment_text first = spira_moment_format(letter->first_failed_ms);
    struct spira_moment_text last = spira_moment_format(letter->last_failed_ms);
    const struct spira_header own[OWN_HEADERS] = {
        {"dlq-topic", message->topic},
        {"dlq-partition", partition},
        {"dlq-offset", offset},
        {"dlq-timestamp", arrived.text},
        {"dlq-group", letter->group ? letter->group : ""},
        {"dlq-worker", last_part(worker->source)},
        {"dlq-worker-version", spira_version()},
        {"dlq-reason", reason_of(worker, letter)},
        {"dlq-error", error},
        {"dlq-attempts", attempts},
        {"dlq-first-failed-at", first.text},
        {"dlq-last-failed-at", last.text},
        {"dlq-signal", signal_number},
    };
    enum spira_code code = send_whole(worker, topic, message, own, err);
    if (code == SPIRA_ETOOBIG)
        code = send_alone(worker, topic, message, own, err);
    if (code == SPIRA_ENOTFOUND)
        return spira_fail(err, SPIRA_EUNREACHABLE,
                          "%s: there is no such topic; make it with 'spiractl topics ensure'",
                          topic);
    return code;
}

/* Whether text is a whole number from 0, written the one way. */
static bool read_number(const char *text, int64_t most, int64_t *ret_number)
{
    char again[32];
    *ret_number = text ? strtoll(text, NULL, 10) : -1;
    snprintf(again, sizeof again, "%jd", (intmax_t)*ret_number);
    return text && *ret_number >= 0 && *ret_number <= most && strcmp(text, again) == 0;
}

/* Reads which message of which topic the letter or marker is about. */
static bool read_identity(const struct spira_worker *worker, const struct spira_message *message,
                          struct spira_value *letter)
{
    const char *topic = spira_message_header(message, "dlq-topic");
    int64_t partition, offset;
    size_t prefix = strlen(worker->topic_prefix), length = topic ? strlen(topic) : 0;
    if (!topic || strncmp(topic, worker->topic_prefix, prefix) != 0 ||
        strncmp(topic, message->topic, length) != 0 ||
        strcmp(message->topic + length, SPIRA_DEAD_LETTER_SUFFIX) != 0 ||
        !read_number(spira_message_header(message, "dlq-partition"), INT32_MAX, &partition) ||
        !read_number(spira_message_header(message, "dlq-offset"), INT64_MAX, &offset))
        return false;
    SPIRA_CLEANUP(spira_free_at)
    char *id = spira_format("%s:%jd:%jd", topic + prefix, (intmax_t)partition, (intmax_t)offset);
    spira_value_set_text(letter, "id", id);
    spira_value_set_text(letter, "topic", topic);
    spira_value_set_int(letter, "partition", partition);
    spira_value_set_int(letter, "offset", offset);
    return true;
}

static void read_text(const struct spira_message *message, const char *header,
                      struct spira_value *letter, const char *name)
{
    const char *text = spira_message_header(message, header);
    SPIRA_CLEANUP(spira_free_at)
    char *repaired = text ? spira_utf8_repair(text) : NULL;
    spira_value_set_text(letter, name, repaired);
}

static void read_count(const struct spira_message *message, const char *header,
                       struct spira_value *letter, const char *name)
{
    int64_t number;
    bool is_number = read_number(spira_message_header(message, header), INT64_MAX, &number);
    spira_value_set(letter, name, is_number ? spira_value_int(number) : spira_value_null());
}

static void read_headers(const struct spira_message *message, struct spira_value *letter)
{
    static const char *const texts[][2] = {
        {"dlq-group", "group"},
        {"dlq-worker", "worker"},
        {"dlq-worker-version", "worker_version"},
        {"dlq-reason", "reason"},
        {"dlq-error", "error"},
        {"dlq-first-failed-at", "first_failed_at"},
        {"dlq-last-failed-at", "last_failed_at"},
        {"ce_subject", "subject"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        read_text(message, texts[i][0], letter, texts[i][1]);
    read_count(message, "dlq-attempts", letter, "attempts");
    read_count(message, "dlq-signal", letter, "signal");
    if (spira_message_header(message, left_header))
        read_count(message, left_header, letter, "left");
    int64_t redrives = 0;
    for (size_t i = 0; i < message->header_count; i++)
        redrives += strcmp(message->headers[i].name, redrive_header) == 0;
    spira_value_set_int(letter, "redrives", redrives);
}

enum spira_code spira_dead_letter_open(const struct spira_worker *worker,
                                       const struct spira_message *message,
                                       struct spira_value **ret_letter, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letter = spira_value_map();
    if (!read_identity(worker, message, letter))
        return spira_fail(err, SPIRA_EINVALID, "%s, partition %d, offset %jd: no dead letter",
                          message->topic, (int)message->partition, (intmax_t)message->offset);
    read_text(message, "dlq-timestamp", letter, "timestamp");
    if (spira_message_header(message, "dlq-resolved"))
        read_text(message, "dlq-resolved", letter, "resolved");
    else
        read_headers(message, letter);
    *ret_letter = letter;
    letter = NULL;
    return SPIRA_OK;
}

/* A message on its way back to its topic. */
struct redrive {
    const struct spira_worker *worker;
    const char *topic, *id;
};

static enum spira_code send_back(void *context, const struct spira_message *message,
                                 struct spira_error *err)
{
    const struct redrive *redrive = context;
    size_t count = 0;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_header *headers = take_headers(message, 1, &count);
    headers[count] = (struct spira_header){redrive_header, redrive->id};
    struct spira_message sent = *message;
    sent.topic = redrive->topic;
    sent.headers = headers;
    sent.header_count = count + 1;
    return spira_bus_send(redrive->worker->bus, &sent, err);
}

enum spira_code spira_dead_letter_redrive(const struct spira_worker *worker,
                                          const struct spira_message *message,
                                          struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letter = NULL;
    enum spira_code code = spira_dead_letter_open(worker, message, &letter, err);
    if (code != SPIRA_OK)
        return code;
    struct redrive redrive = {.worker = worker,
                              .topic = spira_value_get_text(letter, "topic", ""),
                              .id = spira_value_get_text(letter, "id", "")};
    if (!spira_value_get(letter, "left"))
        return send_back(&redrive, message, err);
    int64_t offset = spira_value_get_int(letter, "offset", 0);
    struct spira_offset_range range = {.partition =
                                           (int32_t)spira_value_get_int(letter, "partition", 0),
                                       .from = offset,
                                       .to = offset + 1};
    snprintf(range.topic, sizeof range.topic, "%s", redrive.topic);
    return spira_bus_read(worker->bus, &range, send_back, &redrive, err);
}

enum spira_code spira_dead_letter_resolve(const struct spira_worker *worker,
                                          const struct spira_value *letter, const char *resolution,
                                          struct spira_error *err)
{
    const char *from = spira_value_get_text(letter, "topic", "");
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_format("%s%s", from, SPIRA_DEAD_LETTER_SUFFIX);
    char partition[32], offset[32];
    snprintf(partition, sizeof partition, "%jd",
             (intmax_t)spira_value_get_int(letter, "partition", 0));
    snprintf(offset, sizeof offset, "%jd", (intmax_t)spira_value_get_int(letter, "offset", 0));
    const struct spira_header headers[] = {
        {"dlq-resolved", resolution},
        {"dlq-topic", from},
        {"dlq-partition", partition},
        {"dlq-offset", offset},
        {"dlq-timestamp", spira_value_get_text(letter, "timestamp", "")},
    };
    const struct spira_message marker = {
        .topic = topic,
        .key = spira_value_get_text(letter, "id", ""),
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
    };
    return spira_bus_send(worker->bus, &marker, err);
}
