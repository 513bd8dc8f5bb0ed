/* Events in and out: schema, codec and CloudEvents headers in one place. */
#ifndef SPIRA_WORKERS_COMMON_RUN_EVENTS_H
#define SPIRA_WORKERS_COMMON_RUN_EVENTS_H

#include "workers/common/worker.h"

/* The part of a run event that tells how a step went; it is not part of the event's identity. */
#define SPIRA_EXECUTION "execution"

/* When the recording of an audio event was collected, in milliseconds. It decides which of two
 * events about one recording is the newer, in whatever order they were taken in. Not part of the
 * event's identity either: collected again, a recording is what it was. */
#define SPIRA_COLLECTED_AT "collected_at"

/* "<prefix><event>", as "spira.audio.collected"; free with free(). */
char *spira_topic(const struct spira_worker *worker, const char *event);

/* Queues event under key on its topic, checked against its schema, with CloudEvents 1.0 headers in
 * binary mode. ce_id is the SHA-256 of what the event says, so a repeated emission has the same id.
 * Takes value. subject is the run or recording it is about. SPIRA_EBUG when it does not fit its
 * schema; codes of spira_bus_send. */
SPIRA_MUST_USE enum spira_code spira_event_emit(const struct spira_worker *worker,
                                                const char *event, const char *key,
                                                const char *subject, struct spira_value *value,
                                                struct spira_error *err);

/* The same for an event about a run, with the run's id in it. Its key is the run's id, so that what
 * happens to a run stays in order; only what many workers share, shards and members to compute, is
 * spread over the partitions: "<run id>/00003". Takes fields. */
SPIRA_MUST_USE enum spira_code spira_run_event_emit(const struct spira_worker *worker,
                                                    const char *event, const char *run_id,
                                                    struct spira_value *fields,
                                                    struct spira_error *err);

/* Sets fields' "message" to an error's text. What of it is no UTF-8 (a character that its limit
 * cut, a name of outside) becomes '?', for no event may hold it. */
void spira_event_set_message(struct spira_value *fields, const char *message);

/* Gives a message's event, decoded and checked against the schema of its topic; ret_event is the
 * topic's name without the prefix (borrowed from message). SPIRA_EINVALID: it is no such event. */
SPIRA_MUST_USE enum spira_code
spira_event_open(const struct spira_worker *worker, const struct spira_message *message,
                 const char **ret_event, struct spira_value **ret_value, struct spira_error *err);

/* Waits until every queued event is acknowledged, for as long as it takes unless stop is wanted.
 * Any code but SPIRA_EINTERRUPTED: one was refused; emit them again. */
SPIRA_MUST_USE enum spira_code spira_events_flush(const struct spira_worker *worker,
                                                  struct spira_progress progress,
                                                  struct spira_error *err);

#endif
