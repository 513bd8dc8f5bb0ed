#include "tests/workers/fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <unistd.h>

#include "adapters/filesystem/inbox_filesystem.h"
#include "adapters/json/json_config.h"
#include "adapters/memory/event_bus_memory.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/memory/run_state_memory.h"
#include "adapters/msgpack/msgpack_codec.h"
#include "adapters/openssl/openssl_digest.h"
#include "adapters/sndfile/sndfile_audio.h"
#include "core/base/file.h"
#include "core/run/manifest.h"
#include "schemas/schema.h"
#include "workers/common/child/computation.h"

void fixture_topics(const struct fixture *fixture, struct spira_event_bus bus)
{
    size_t count;
    struct spira_error err;
    const struct spira_schema *schemas = spira_schemas(&count);
    for (size_t i = 0; i < count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(&fixture->worker, schemas[i].topic);
        cr_assert_eq(spira_bus_ensure_topic(bus, topic, 1, &err), SPIRA_OK);
    }
}

void fixture_init(struct fixture *fixture)
{
    struct spira_error err = {0};
    *fixture = (struct fixture){.folder = "/tmp/spira-test-workers-XXXXXX"};
    cr_assert(mkdtemp(fixture->folder));
    fixture->inbox = spira_format("%s/inbox", fixture->folder);
    fixture->scratch = spira_format("%s/scratch", fixture->folder);
    cr_assert_eq(spira_folder_make(fixture->inbox, &err), SPIRA_OK);
    struct spira_clock clock = spira_clock_memory_init(&fixture->clock, 1700000000000);
    fixture->worker = (struct spira_worker){
        .tools = {.audio = spira_audio_source_sndfile(),
                  .json = spira_config_source_json(),
                  .digest = spira_digest_openssl(),
                  .threads = 1},
        .compute = spira_compute_in_thread,
        .bus = spira_event_bus_memory(clock),
        .store = spira_object_store_memory(spira_digest_openssl()),
        .state = spira_run_state_memory(clock),
        .codec = spira_event_codec_msgpack(),
        .clock = clock,
        .topic_prefix = "test.",
        .source = "/spira/test",
        .scratch = fixture->scratch,
        .location = "memory",
    };
    cr_assert_eq(spira_inbox_filesystem(fixture->inbox, &fixture->worker.inbox, &err), SPIRA_OK);
    fixture_topics(fixture, fixture->worker.bus);
}

void fixture_done(struct fixture *fixture)
{
    struct spira_error err;
    spira_worker_done(&fixture->worker);
    cr_assert_eq(spira_tree_remove(fixture->folder, &err), SPIRA_OK);
    free(fixture->inbox);
    free(fixture->scratch);
}

size_t fixture_count(const struct fixture *fixture, const char *event)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(&fixture->worker, event);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    cr_assert_eq(spira_bus_ranges(fixture->worker.bus, topic, &ranges, &count, &err), SPIRA_OK);
    cr_assert_eq(count, 1);
    return (size_t)ranges[0].to;
}

static enum spira_code keep_message(void *context, const struct spira_message *message,
                                    struct spira_error *err)
{
    (void)err;
    *(const struct spira_message **)context = message;
    return SPIRA_OK;
}

const struct spira_message *fixture_message(const struct fixture *fixture, const char *event,
                                            size_t index)
{
    struct spira_error err;
    if (index >= fixture_count(fixture, event))
        return NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(&fixture->worker, event);
    struct spira_offset_range range = {.from = (int64_t)index, .to = (int64_t)index + 1};
    snprintf(range.topic, sizeof range.topic, "%s", topic);
    const struct spira_message *message = NULL;
    cr_assert_eq(spira_bus_read(fixture->worker.bus, &range, keep_message, &message, &err),
                 SPIRA_OK);
    return message;
}

struct spira_value *fixture_event(const struct fixture *fixture, const char *event, size_t index)
{
    struct spira_error err = {0};
    const char *name;
    struct spira_value *value = NULL;
    const struct spira_message *message = fixture_message(fixture, event, index);
    if (message)
        cr_assert_eq(spira_event_open(&fixture->worker, message, &name, &value, &err), SPIRA_OK,
                     "%s", err.message);
    return value;
}

const struct spira_message *fixture_emit(const struct fixture *fixture, const char *event,
                                         struct spira_value *value)
{
    struct spira_error err = {0};
    enum spira_code code =
        spira_value_get(value, "run_id")
            ? spira_run_event_emit(&fixture->worker, event, RUN_ID, value, &err)
            : spira_event_emit(&fixture->worker, event, RUN_ID, RUN_ID, value, &err);
    cr_assert_eq(code, SPIRA_OK, "%s", err.message);
    return fixture_message(fixture, event, fixture_count(fixture, event) - 1);
}

struct spira_value *fixture_value(const char *json)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_copy_text(json);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    struct spira_error err = {0};
    struct spira_value *value = NULL;
    cr_assert_eq(
        spira_config_parse(spira_config_source_json(), "test", text, strlen(text), &value, &err),
        SPIRA_OK, "%s", err.message);
    return value;
}

struct spira_value *fixture_put(const struct fixture *fixture, const char *key, const char *text)
{
    struct spira_error err;
    struct spira_object_store store = fixture->worker.store;
    cr_assert_eq(spira_store_remove(store, key, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(store, key, text, strlen(text), &err), SPIRA_OK);
    return spira_reference(key,
                           spira_digest_bytes(fixture->worker.tools.digest, text, strlen(text)).hex,
                           strlen(text));
}

struct spira_value *fixture_document(const struct fixture *fixture,
                                     const struct spira_value *reference)
{
    struct spira_error err = {0};
    struct spira_value *document = NULL;
    cr_assert_eq(spira_document_get(fixture->worker.store, fixture->worker.tools.digest,
                                    fixture->worker.tools.json, reference, &document, &err),
                 SPIRA_OK, "%s", err.message);
    return document;
}

bool fixture_has(const struct fixture *fixture, const char *key)
{
    struct spira_error err;
    return spira_store_stat(fixture->worker.store, key, NULL, &err) == SPIRA_OK;
}

static bool count_key(void *context, const char *key, uint64_t size)
{
    (void)key;
    (void)size;
    ++*(size_t *)context;
    return true;
}

size_t fixture_keys(const struct fixture *fixture, const char *prefix)
{
    struct spira_error err;
    size_t count = 0;
    cr_assert_eq(spira_store_list(fixture->worker.store, prefix, count_key, &count, &err),
                 SPIRA_OK);
    return count;
}

struct spira_value *fixture_manifest(const struct fixture *fixture, const char *configuration)
{
    static const char *const events[] = {"audio.accepted", "audio.rejected", "audio.withdrawn"};
    enum { EVENTS = sizeof events / sizeof *events };
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = fixture_value(configuration);
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    cr_assert_eq(spira_run_config_read("test", document, &config, &err), SPIRA_OK, "%s",
                 err.message);
    struct spira_offset_range ranges[EVENTS] = {0};
    for (size_t i = 0; i < EVENTS; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(&fixture->worker, events[i]);
        snprintf(ranges[i].topic, sizeof ranges[i].topic, "%s", topic);
        ranges[i].to = (int64_t)fixture_count(fixture, events[i]);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = spira_manifest(RUN_ID, &config, ranges, EVENTS);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_manifest_key(RUN_ID);
    struct spira_value *reference = NULL;
    cr_assert_eq(spira_document_put(fixture->worker.store, fixture->worker.tools.digest, key,
                                    manifest, &reference, &err),
                 SPIRA_OK, "%s", err.message);
    return reference;
}

bool fixture_is_clean(const struct fixture *fixture)
{
    DIR *folder = opendir(fixture->scratch);
    if (!folder)
        return true;
    size_t count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count == 2; /* "." and ".." */
}
