/* The one place, beside main.c and cli/, that names concrete adapters. */
#ifndef SPIRA_WORKERS_COMMON_WIRING_H
#define SPIRA_WORKERS_COMMON_WIRING_H

#include "workers/common/command_line/settings.h"
#include "workers/common/loop/health.h"
#include "workers/common/worker.h"

/* The tools of computations. Nothing to free. */
struct spira_tools spira_wire_tools(size_t threads);

/* A worker of one process alone: bus and run state in memory, the store and the inbox in folders.
 * Gives ret_worker, ended by spira_worker_done. Keeps store (also its location) and scratch; the
 * store's folder is made when it is not there. Codes of the adapters. */
SPIRA_MUST_USE enum spira_code spira_wire_local(const char *store, const char *inbox,
                                                const char *scratch, size_t threads,
                                                struct spira_worker *ret_worker,
                                                struct spira_error *err);

/* Shows a worker's health over HTTP; address and port as spira_http_server_microhttpd takes them.
 * Keeps health. Gives ret_server, ended by spira_http_server_done before the health is. Its codes.
 */
SPIRA_MUST_USE enum spira_code spira_wire_http(struct spira_health *health, const char *address,
                                               uint16_t port, struct spira_http_server *ret_server,
                                               struct spira_error *err);

/* A worker of the fleet, or spiractl (name): the event bus in Kafka, the run state in Redis, the
 * store in a folder. None of them need answer yet. Gives ret_worker, ended by spira_worker_done.
 * Keeps settings and what they hold. It has no inbox and no scratch and computes in a thread, until
 * its caller says otherwise. SPIRA_EINVALID names the setting that is missing or wrong. */
SPIRA_MUST_USE enum spira_code spira_wire_fleet(const struct spira_settings *settings,
                                                const char *name, size_t threads,
                                                struct spira_worker *ret_worker,
                                                struct spira_error *err);

/* An empty run state in memory, ended by spira_run_state_done. Keeps clock. */
struct spira_run_state spira_wire_memory_state(struct spira_clock clock);

/* Opens the inbox of a worker. SPIRA_EINVALID: no setting names one. SPIRA_EUNREACHABLE: it is not
 * there. */
SPIRA_MUST_USE enum spira_code spira_wire_inbox(const struct spira_settings *settings,
                                                struct spira_worker *worker,
                                                struct spira_error *err);

/* Makes the folder for the files of this process's jobs, removes those of processes that died, and
 * holds it by ret_lock until that is closed. Gives ret_scratch, freed with free(). */
SPIRA_MUST_USE enum spira_code spira_wire_scratch(const struct spira_settings *settings,
                                                  const char *name, char **ret_scratch,
                                                  int *ret_lock, struct spira_error *err);

#endif
