#include "workers/common/run/events.h"

#include "core/base/moment.h"
#include "core/base/text.h"
#include "schemas/schema.h"

enum { FLUSH_TIMEOUT_MS = 100 };

char *spira_topic(const struct spira_worker *worker, const char *event)
{
    return spira_format("%s%s", worker->topic_prefix, event);
}

static struct spira_sha256 identity(const struct spira_worker *worker, const char *topic,
                                    const char *key, const struct spira_value *value)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *said = spira_value_list();
    spira_value_append(said, spira_value_text(topic));
    spira_value_append(said, spira_value_text(key));
    struct spira_value *content = spira_value_append(said, spira_value_copy(value));
    spira_value_remove(content, SPIRA_EXECUTION);
    spira_value_remove(content, SPIRA_COLLECTED_AT);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(said, SPIRA_CANONICAL);
    return spira_digest_bytes(worker->tools.digest, text, strlen(text));
}

/* A topic that nobody has made is a fleet that is not ready, and no fault of the work that was
 * done.
 */
static enum spira_code wait_for_topic(struct spira_error *err)
{
    const struct spira_error why = *err;
    return spira_fail(err, SPIRA_EUNREACHABLE, "%s; make it with 'spiractl topics ensure'",
                      why.message);
}

static enum spira_code send_event(const struct spira_worker *worker, const char *event,
                                  const char *key, const char *subject,
                                  const struct spira_value *value, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_event_encode(worker->codec, value, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(worker, event);
    SPIRA_CLEANUP(spira_free_at)
    char *type = spira_format("br.usp.ime.spira.%s.v1", event);
    struct spira_sha256 id = identity(worker, topic, key, value);
    struct spira_moment_text now = spira_moment_format(spira_clock_now_ms(worker->clock));
    const struct spira_header headers[] = {{"ce_specversion", "1.0"},
                                           {"ce_id", id.hex},
                                           {"ce_type", type},
                                           {"ce_source", worker->source},
                                           {"ce_time", now.text},
                                           {"ce_subject", subject},
                                           {"content-type", "application/msgpack"}};
    const struct spira_message message = {
        .topic = topic,
        .key = key,
        .value = bytes.data,
        .size = bytes.size,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
    };
    code = spira_bus_send(worker->bus, &message, err);
    return code == SPIRA_ENOTFOUND ? wait_for_topic(err) : code;
}

enum spira_code spira_event_emit(const struct spira_worker *worker, const char *event,
                                 const char *key, const char *subject, struct spira_value *value,
                                 struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *owned = value;
    const struct spira_schema *schema = spira_schema_find(event);
    struct spira_error mismatch;
    if (!schema || spira_schema_check(schema, owned, &mismatch) != SPIRA_OK)
        return spira_fail(err, SPIRA_EBUG, "%s: our own event does not fit its schema: %s", event,
                          schema ? mismatch.message : "there is none");
    return send_event(worker, event, key, subject, owned, err);
}

enum spira_code spira_run_event_emit(const struct spira_worker *worker, const char *event,
                                     const char *run_id, struct spira_value *fields,
                                     struct spira_error *err)
{
    static const struct {
        const char *event, *part;
    } spread[] = {{"features.requested", "shard"}, {"training.requested", "member"}};
    SPIRA_CLEANUP(spira_free_at)
    char *key = NULL;
    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++)
        if (strcmp(event, spread[i].event) == 0)
            key = spira_format("%s/%05jd", run_id,
                               (intmax_t)spira_value_get_int(fields, spread[i].part, 0));
    if (!key)
        key = spira_copy_text(run_id);
    spira_value_set_text(fields, "run_id", run_id);
    return spira_event_emit(worker, event, key, run_id, fields, err);
}

enum spira_code spira_event_open(const struct spira_worker *worker,
                                 const struct spira_message *message, const char **ret_event,
                                 struct spira_value **ret_value, struct spira_error *err)
{
    size_t prefix = strlen(worker->topic_prefix);
    bool ours = strncmp(message->topic, worker->topic_prefix, prefix) == 0;
    const char *event = ours ? message->topic + prefix : "";
    const struct spira_schema *schema = spira_schema_find(event);
    if (!schema)
        return spira_fail(err, SPIRA_EINVALID, "%s: no topic of this system", message->topic);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code =
        spira_event_decode(worker->codec, message->value, message->size, &value, err);
    if (code == SPIRA_OK)
        code = spira_schema_check(schema, value, err);
    if (code != SPIRA_OK) {
        spira_fail_within(err, "%s, partition %d, offset %jd", message->topic,
                          (int)message->partition, (intmax_t)message->offset);
        return code;
    }
    *ret_event = event;
    *ret_value = value;
    value = NULL;
    return SPIRA_OK;
}

/* Bytes of the character at text; 0: there is none. */
static size_t character(const char *text, size_t size)
{
    for (size_t length = 1; length <= 4 && length <= size; length++)
        if (spira_utf8_valid(text, length))
            return length;
    return 0;
}

void spira_event_set_message(struct spira_value *fields, const char *message)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_copy_text(message);
    for (size_t i = 0, size = strlen(text); i < size;) {
        size_t length = character(text + i, size - i);
        if (length == 0)
            text[i] = '?';
        i += length ? length : 1;
    }
    spira_value_set_text(fields, "message", text);
}

enum spira_code spira_events_flush(const struct spira_worker *worker,
                                   struct spira_progress progress, struct spira_error *err)
{
    for (;;) {
        enum spira_code code = spira_bus_flush(worker->bus, FLUSH_TIMEOUT_MS, err);
        if (code == SPIRA_ENOTFOUND)
            return wait_for_topic(err);
        if (code != SPIRA_ETIMEOUT) /* any other says that something was refused and is gone */
            return code;
        if (spira_progress_stop_wanted(progress))
            return spira_fail(err, SPIRA_EINTERRUPTED,
                              "stopped before the events were acknowledged");
    }
}
