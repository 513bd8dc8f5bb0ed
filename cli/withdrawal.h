/* Recordings that must not be used any more. */
#ifndef SPIRA_CLI_WITHDRAWAL_H
#define SPIRA_CLI_WITHDRAWAL_H

#include "workers/common/run/events.h"

/* Gives the accepted recordings that names mean, each the SHA-256 of one or its recording id: a
 * list of {"recording_id", "sha256", "patient"} by digest, each once; without "patient" where its
 * event names none. SPIRA_ENOTFOUND names the first that was never accepted, SPIRA_EINVALID one
 * that several recordings share; codes of the bus. */
SPIRA_MUST_USE enum spira_code spira_withdrawal_find(const struct spira_worker *worker,
                                                     const char *const *names, size_t count,
                                                     struct spira_value **ret_recordings,
                                                     struct spira_error *err);

/* Queues audio.withdrawn for each of these recordings, under its patient; reason may be NULL. The
 * caller flushes. Codes of spira_event_emit. */
SPIRA_MUST_USE enum spira_code spira_withdrawal_emit(const struct spira_worker *worker,
                                                     const struct spira_value *recordings,
                                                     const char *reason, struct spira_error *err);

#endif
