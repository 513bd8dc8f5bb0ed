#include "workers/common/wiring.h"

#include <dirent.h>
#include <unistd.h>

#include "adapters/fftw/fourier_fftw.h"
#include "adapters/filesystem/inbox_filesystem.h"
#include "adapters/filesystem/object_store_filesystem.h"
#include "adapters/filesystem/store_lock.h"
#include "adapters/http/http_server_microhttpd.h"
#include "adapters/json/json_config.h"
#include "adapters/kafka/event_bus_kafka.h"
#include "adapters/memory/event_bus_memory.h"
#include "adapters/memory/run_state_memory.h"
#include "adapters/msgpack/msgpack_codec.h"
#include "adapters/onnx/model_export_onnx.h"
#include "adapters/openblas/matrix_openblas.h"
#include "adapters/openssl/openssl_digest.h"
#include "adapters/posix/clock_posix.h"
#include "adapters/redis/run_state_redis.h"
#include "adapters/safetensors/safetensors.h"
#include "adapters/sndfile/sndfile_audio.h"
#include "core/base/file.h"
#include "core/base/moment.h"
#include "workers/common/child/computation.h"
#include "workers/common/log.h"

struct spira_tools spira_wire_tools(size_t threads)
{
    return (struct spira_tools){
        .audio = spira_audio_source_sndfile(),
        .json = spira_config_source_json(),
        .digest = spira_digest_openssl(),
        .fourier = spira_fourier_fftw(),
        .matrix = spira_matrix_openblas(),
        .model_export = spira_model_export_onnx(),
        .tensors = spira_tensors_safetensors(),
        .threads = threads,
    };
}

enum spira_code spira_wire_local(const char *store, const char *inbox, const char *scratch,
                                 size_t threads, struct spira_worker *ret_worker,
                                 struct spira_error *err)
{
    struct spira_worker worker = {
        .tools = spira_wire_tools(threads),
        .compute = spira_compute_in_thread,
        .codec = spira_event_codec_msgpack(),
        .clock = spira_clock_posix(),
        .topic_prefix = "spira.",
        .source = "/spira/local",
        .scratch = scratch,
        .location = store,
    };
    enum spira_code code =
        spira_object_store_filesystem(store, worker.tools.digest, &worker.store, err);
    if (code == SPIRA_OK)
        code = spira_inbox_filesystem(inbox, &worker.inbox, err);
    if (code != SPIRA_OK) {
        spira_worker_done(&worker);
        return code;
    }
    worker.bus = spira_event_bus_memory(worker.clock);
    worker.state = spira_run_state_memory(worker.clock);
    *ret_worker = worker;
    return SPIRA_OK;
}

enum spira_code spira_wire_http(struct spira_health *health, const char *address, uint16_t port,
                                struct spira_http_server *ret_server, struct spira_error *err)
{
    return spira_http_server_microhttpd(address, port, spira_health_answer, health, ret_server,
                                        err);
}

/* What librdkafka says of itself, for those who look closely: a broker that is away is said by the
 * health's probes, once, and any other failure comes as an error. */
static void log_kafka(void *context, int level, const char *text)
{
    enum { SYSLOG_CRITICAL = 2 };
    (void)context;
    spira_log(level <= SYSLOG_CRITICAL ? SPIRA_LOG_WARNING : SPIRA_LOG_DEBUG, NULL, "kafka: %s",
              text);
}

static enum spira_code connect_bus(const struct spira_settings *settings,
                                   const struct spira_worker *worker, struct spira_event_bus *bus,
                                   struct spira_error *err)
{
    struct spira_kafka_settings kafka = {
        .client_id = worker->id,
        .group_instance_id = spira_setting(settings, "instance"),
        .property_count = settings->property_count,
        .log = log_kafka,
    };
    enum spira_code code = spira_setting_need(settings, "kafka", &kafka.bootstrap_servers, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_kafka_property *properties =
        spira_alloc(settings->property_count + 1, sizeof *properties);
    for (size_t i = 0; i < settings->property_count; i++)
        properties[i] = (struct spira_kafka_property){settings->properties[i].name,
                                                      settings->properties[i].value};
    kafka.properties = properties;
    return spira_event_bus_kafka(&kafka, bus, err);
}

static enum spira_code connect_state(const struct spira_settings *settings,
                                     struct spira_run_state *state, struct spira_error *err)
{
    const char *url = NULL;
    enum spira_code code = spira_setting_need(settings, "redis", &url, err);
    return code == SPIRA_OK
               ? spira_run_state_redis(url, spira_setting(settings, "topic-prefix"), state, err)
               : code;
}

static enum spira_code connect(const struct spira_settings *settings, struct spira_worker *worker,
                               struct spira_error *err)
{
    enum spira_code code = connect_bus(settings, worker, &worker->bus, err);
    if (code == SPIRA_OK)
        code = connect_state(settings, &worker->state, err);
    if (code == SPIRA_OK)
        code = spira_setting_need(settings, "store", &worker->location, err);
    if (code == SPIRA_OK)
        worker->store = spira_object_store_mounted(worker->location, worker->tools.digest);
    return code;
}

enum spira_code spira_wire_fleet(const struct spira_settings *settings, const char *name,
                                 size_t threads, struct spira_worker *ret_worker,
                                 struct spira_error *err)
{
    struct spira_worker worker = {
        .tools = spira_wire_tools(threads),
        .codec = spira_event_codec_msgpack(),
        .clock = spira_clock_posix(),
        .topic_prefix = spira_setting(settings, "topic-prefix"),
        .compute = spira_compute_in_thread,
    };
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    snprintf(worker.source, sizeof worker.source, "/spira/%s", name);
    /* Host and process alone may be the same in two containers. */
    struct spira_uuid unique = spira_uuid7(spira_clock_now_ms(worker.clock));
    snprintf(worker.id, sizeof worker.id, "%s@%s:%ld-%s", name, host, (long)getpid(),
             strrchr(unique.text, '-') + 1);
    enum spira_code code = connect(settings, &worker, err);
    if (code != SPIRA_OK) {
        spira_worker_done(&worker);
        return code;
    }
    *ret_worker = worker;
    return SPIRA_OK;
}

enum spira_code spira_wire_inbox(const struct spira_settings *settings, struct spira_worker *worker,
                                 struct spira_error *err)
{
    const char *inbox = NULL;
    enum spira_code code = spira_setting_need(settings, "inbox", &inbox, err);
    if (code != SPIRA_OK || spira_inbox_filesystem(inbox, &worker->inbox, err) == SPIRA_OK)
        return code;
    struct spira_error why = *err; /* it is not there, or not mounted: as a service that is away */
    return spira_fail(err, SPIRA_EUNREACHABLE, "inbox %s", why.message);
}

/* Removes what a process of this name left that is not there any more: its lock is free. */
static void remove_left(const char *top, const char *entry)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", top, entry);
    SPIRA_CLEANUP(spira_close_at)
    int lock = -1;
    struct spira_error unremoved; /* in use, or somebody else's */
    if (spira_filesystem_lock(path, false, &lock, &unremoved) == SPIRA_OK)
        (void)!spira_tree_remove(path, &unremoved);
}

static void remove_all_left(const char *top, const char *name)
{
    DIR *folder = opendir(top);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strncmp(entry->d_name, name, strlen(name)) == 0 && entry->d_name[strlen(name)] == '.')
            remove_left(top, entry->d_name);
    closedir(folder);
}

enum spira_code spira_wire_scratch(const struct spira_settings *settings, const char *name,
                                   char **ret_scratch, int *ret_lock, struct spira_error *err)
{
    const char *top = spira_setting(settings, "scratch");
    enum spira_code code = spira_folder_make(top, err);
    if (code != SPIRA_OK)
        return code;
    remove_all_left(top, name);
    char *scratch = spira_format("%s/%s.%ld", top, name, (long)getpid());
    code = spira_filesystem_lock(scratch, false, ret_lock, err);
    if (code != SPIRA_OK) {
        free(scratch);
        return code;
    }
    *ret_scratch = scratch;
    return SPIRA_OK;
}

struct spira_run_state spira_wire_memory_state(struct spira_clock clock)
{
    return spira_run_state_memory(clock);
}
