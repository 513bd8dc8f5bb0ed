#include "workers/common/wiring.h"

#include "adapters/fftw/fourier_fftw.h"
#include "adapters/filesystem/inbox_filesystem.h"
#include "adapters/filesystem/object_store_filesystem.h"
#include "adapters/http/http_server_microhttpd.h"
#include "adapters/json/json_config.h"
#include "adapters/memory/event_bus_memory.h"
#include "adapters/memory/run_state_memory.h"
#include "adapters/msgpack/msgpack_codec.h"
#include "adapters/openblas/matrix_openblas.h"
#include "adapters/openssl/openssl_digest.h"
#include "adapters/posix/clock_posix.h"
#include "adapters/safetensors/safetensors.h"
#include "adapters/sndfile/sndfile_audio.h"
#include "workers/common/computation.h"

struct spira_tools spira_wire_tools(size_t threads)
{
    return (struct spira_tools){
        .audio = spira_audio_source_sndfile(),
        .json = spira_config_source_json(),
        .digest = spira_digest_openssl(),
        .fourier = spira_fourier_fftw(),
        .matrix = spira_matrix_openblas(),
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
