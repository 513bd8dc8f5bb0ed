/* A step of the pipeline: what one event makes it do.
 *
 * The runner (step_runner.h) takes each step through the same protocol: prepare a job from the
 * event, look for a finished artifact under the job's key, else fetch the inputs and compute on
 * local files, store the outputs, and emit the completion events. The same step runs in `spiractl
 * local run` and in a worker of the fleet. */
#ifndef SPIRA_WORKERS_COMMON_STEP_STEP_H
#define SPIRA_WORKERS_COMMON_STEP_STEP_H

#include "core/config/run_config.h"
#include "workers/common/run/events.h"

/* One event on its way through a step. */
struct spira_step_call {
    const struct spira_worker *worker;
    const char *event;               /* "features.requested" */
    const struct spira_value *value; /* checked against its schema */
    const struct spira_message *message;
    struct spira_progress progress;
    struct spira_job job;
    const char *folder;  /* of this job alone; the next two are in it */
    const char *inputs;  /* folder with the job's inputs under their names */
    const char *outputs; /* folder for what the computation writes */
    /* What came of it, for complete(). */
    struct spira_value *result;    /* what compute found; owned by the call */
    struct spira_value *artifact;  /* NULL for a job without prefix; owned by the call */
    struct spira_value *reference; /* of the artifact; owned by the call */
    bool computed;                 /* compute ran */
    unsigned attempts;             /* child processes that computed it */
    int signal;                    /* that ended the last of them; 0: none did */
    const char *status;            /* "succeeded" or "reused"; static text */
    char *lost;                    /* key of what SPIRA_EALTERED is about; owned by the call */
    int64_t began_ms;              /* by the clock's monotonic time */
};

struct spira_step {
    const char *name;     /* the worker's folder: "model_training" */
    const char *consumes; /* "features.completed" */
    unsigned version;     /* of the computation; part of the job's key */
    const char *prefix;   /* where its artifacts live: "models"; NULL: it keeps none */
    /* Fills job.parameters, job.seed and the inputs from the event (job is initialised). May fill
     * result instead, when there is nothing to compute: then complete follows at once. Codes of
     * invalid kind fail the run. */
    enum spira_code (*prepare)(struct spira_step_call *call, struct spira_error *err);
    /* The computation: a function of the job and the files in inputs; writes files into outputs
     * (those directly in it are the artifact; a folder "checkpoints" in it is carried over to the
     * next attempt). Gives ret_result. Touches no service, so that a child process can run it.
     * SPIRA_EINTERRUPTED when progress wants it to stop. */
    enum spira_code (*compute)(const struct spira_job *job, const char *inputs, const char *outputs,
                               const struct spira_tools *tools, struct spira_progress progress,
                               struct spira_value **ret_result, struct spira_error *err);
    /* The key of an output; NULL: below the artifact. */
    spira_object_key *key_of;
    /* Emits what follows from result and artifact; the same events whenever it is repeated. May
     * change status. */
    enum spira_code (*complete)(struct spira_step_call *call, struct spira_error *err);
    /* NULL, or, for a step whose events belong to no run: emits that no computation came to an end,
     * because of why (spira_step_gave_up); the same event whenever it is repeated. */
    enum spira_code (*give_up)(struct spira_step_call *call, const struct spira_error *why,
                               struct spira_error *err);
};

/* Whether code says that the computation itself never came to an end: it crashed, ran past its
 * deadline or outgrew its limits, as often as it may. */
bool spira_step_gave_up(enum spira_code code);

/* Reads the manifest of the call's run and its configuration (ret_config may be NULL). Gives
 * ret_manifest. */
SPIRA_MUST_USE enum spira_code spira_step_manifest(const struct spira_step_call *call,
                                                   struct spira_value **ret_manifest,
                                                   struct spira_run_config *ret_config,
                                                   struct spira_error *err);

/* Gives the document a field of the event refers to ("plan", "dataset", "artifact").
 * SPIRA_EALTERED when it is gone or not what it was; other codes of spira_document_get. */
SPIRA_MUST_USE enum spira_code spira_step_document(struct spira_step_call *call, const char *field,
                                                   struct spira_value **ret_document,
                                                   struct spira_error *err);

/* The same for a reference that such a document has. */
SPIRA_MUST_USE enum spira_code spira_step_part(struct spira_step_call *call,
                                               const struct spira_value *reference,
                                               struct spira_value **ret_document,
                                               struct spira_error *err);

/* Makes the object inputs/<name>, unless it is there, and checks its digest. SPIRA_EALTERED: it is
 * gone or not what it was, and the run can make it again. A recording it cannot: then
 * SPIRA_ENOTFOUND and SPIRA_EINVALID. Other codes of spira_store_fetch. */
SPIRA_MUST_USE enum spira_code spira_step_fetch(struct spira_step_call *call, const char *name,
                                                const char *key, const char *sha256,
                                                struct spira_error *err);

/* Seconds since the call began. */
double spira_step_seconds(const struct spira_step_call *call);

/* Sets fields' "execution": the call's status and seconds. */
void spira_step_set_execution(const struct spira_step_call *call, struct spira_value *fields);

/* Emits an event about the call's run, with the fields given (taken) plus run_id and execution. */
SPIRA_MUST_USE enum spira_code spira_step_emit(const struct spira_step_call *call,
                                               const char *event, struct spira_value *fields,
                                               struct spira_error *err);

/* Reads a JSON input of a computation: inputs/<name>. Gives ret_document. */
SPIRA_MUST_USE enum spira_code spira_step_read(const struct spira_tools *tools, const char *inputs,
                                               const char *name, struct spira_value **ret_document,
                                               struct spira_error *err);

/* Reads back the sections of a configuration that a job's parameters hold; the others get their
 * defaults. */
SPIRA_MUST_USE enum spira_code spira_step_config(const struct spira_job *job,
                                                 struct spira_run_config *ret_config,
                                                 struct spira_error *err);

#endif
