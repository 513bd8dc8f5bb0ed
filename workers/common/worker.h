/* What every worker holds: the ports it talks through, the tools its computations use, and its
 * settings. */
#ifndef SPIRA_WORKERS_COMMON_WORKER_H
#define SPIRA_WORKERS_COMMON_WORKER_H

#include "core/ports/audio_source.h"
#include "core/ports/clock.h"
#include "core/ports/config_source.h"
#include "core/ports/digest.h"
#include "core/ports/event_bus.h"
#include "core/ports/event_codec.h"
#include "core/ports/fourier.h"
#include "core/ports/inbox.h"
#include "core/ports/matrix.h"
#include "core/ports/model_export.h"
#include "core/ports/object_store.h"
#include "core/ports/progress.h"
#include "core/ports/run_state.h"
#include "core/ports/tensors.h"
#include "core/run/artifact.h"

/* What a computation may use: local files, no service. */
struct spira_tools {
    struct spira_audio_source audio;
    struct spira_config_source json;
    struct spira_digest digest;
    struct spira_fourier fourier;
    struct spira_matrix matrix;
    struct spira_model_export model_export;
    struct spira_tensors tensors;
    size_t threads;
};

struct spira_step;
struct spira_step_call;
struct spira_checkpoints;
struct spira_child_settings;

/* Computes the call's job, stores its checkpoints meanwhile (when it was interrupted, also the one
 * it ended with) and gives ret_result. Two functions are one: spira_compute_in_thread
 * (computation.h) and spira_compute_in_child (child_process.h). Returns when the computation has
 * ended; the call's progress is used by one thread at a time, and no more after that. Codes of the
 * computation, and of spira_checkpoints_upload: a transient one matters only at the end, any other
 * stops the computation. */
typedef enum spira_code spira_compute(struct spira_step_call *call, const struct spira_step *step,
                                      struct spira_checkpoints *checkpoints,
                                      struct spira_value **ret_result, struct spira_error *err);

struct spira_worker {
    struct spira_tools tools;
    spira_compute *compute;
    const struct spira_child_settings *child; /* of spira_compute_in_child */
    struct spira_event_bus bus;
    struct spira_object_store store;
    struct spira_run_state state;
    struct spira_event_codec codec;
    struct spira_clock clock;
    struct spira_inbox inbox; /* what audio.collected's uri names lies here */
    const char *topic_prefix; /* "spira." */
    const char *scratch;      /* folder for the files of jobs under way */
    char source[64];          /* "/spira/<worker>": ce_source */
    char id[160];             /* of this process among all workers: "model_training@host:4711" */
    const char *location;     /* of the store, as people name it: a folder, a URL */
};

/* Where the worker's artifacts are. */
static inline struct spira_artifacts spira_worker_artifacts(const struct spira_worker *worker)
{
    return (struct spira_artifacts){
        .store = worker->store, .digest = worker->tools.digest, .json = worker->tools.json};
}

/* Ends every port it holds; a zeroed worker is fine. */
static inline void spira_worker_done(struct spira_worker *worker)
{
    spira_inbox_done(&worker->inbox);
    spira_run_state_done(&worker->state);
    spira_event_bus_done(&worker->bus);
    spira_object_store_done(&worker->store);
}

#endif
