/* Messages that cannot be processed, put aside on "<topic>.dlq" with the reason.
 *
 * A dead letter is the message as it arrived (key, value, headers) and headers of its own, all
 * texts: dlq-topic, dlq-partition, dlq-offset   where it was: its identity dlq-timestamp when the
 * bus got it dlq-group, dlq-worker, dlq-worker-version   who gave up dlq-reason one word:
 * malformed, too_large, crashed, timeout, ... dlq-error                              why, in words;
 * at most 1023 bytes of UTF-8 dlq-attempts, dlq-first-failed-at, dlq-last-failed-at dlq-signal that
 * ended the computation; 0: none did Times are RFC 3339. A letter that is dealt with is followed by
 * a marker on the same topic, with its dlq-topic, dlq-partition, dlq-offset and dlq-timestamp, the
 * header dlq-resolved (retried or discarded) and no value: Kafka cannot delete one message. A
 * message sent again carries x-redrive-of, the letter's id, once for each time. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_DEAD_LETTER_H
#define SPIRA_WORKERS_COMMON_LOOP_DEAD_LETTER_H

#include "workers/common/worker.h"

#define SPIRA_DEAD_LETTER_SUFFIX ".dlq"

struct spira_dead_letter {
    const struct spira_message *message; /* as it arrived */
    const char *group;                   /* that consumed it */
    struct spira_error failure;          /* of the last attempt */
    unsigned attempts;
    int signal; /* that ended the last attempt's child; 0: none */
    int64_t first_failed_ms, last_failed_ms;
};

/* Queues the letter on "<topic>.dlq"; the caller flushes before it commits. The same letter twice
 * has the same identity and counts as one. SPIRA_EUNREACHABLE: there is no such topic (yet); other
 * codes of spira_bus_send. */
SPIRA_MUST_USE enum spira_code spira_dead_letter_send(const struct spira_worker *worker,
                                                      const struct spira_dead_letter *letter,
                                                      struct spira_error *err);

/* Gives what a message of a dead-letter topic says: {"id": "<topic>:<partition>:<offset>" (topic as
 * people type it, without the prefix), "topic", "partition", "offset", "timestamp", "group",
 * "worker", "worker_version", "reason", "error", "attempts", "first_failed_at", "last_failed_at",
 * "signal", "subject" (its run or recording), "redrives" (how often it was sent again), maybe
 * "left"}; of a marker {"id", "topic", "partition", "offset", "timestamp", "resolved"}.
 * SPIRA_EINVALID: neither.
 */
SPIRA_MUST_USE enum spira_code spira_dead_letter_open(const struct spira_worker *worker,
                                                      const struct spira_message *message,
                                                      struct spira_value **ret_letter,
                                                      struct spira_error *err);

/* Queues the message of a dead letter (as it is on the dead-letter topic) on the topic it came
 * from: the original key, value and headers, and x-redrive-of. Codes of spira_dead_letter_open and
 * spira_bus_send. */
SPIRA_MUST_USE enum spira_code spira_dead_letter_redrive(const struct spira_worker *worker,
                                                         const struct spira_message *message,
                                                         struct spira_error *err);

/* Queues the marker that says that a dead letter (as spira_dead_letter_open gives it) is dealt
 * with: "retried" or "discarded". Codes of spira_bus_send. */
SPIRA_MUST_USE enum spira_code spira_dead_letter_resolve(const struct spira_worker *worker,
                                                         const struct spira_value *letter,
                                                         const char *resolution,
                                                         struct spira_error *err);

/* Whether word is a reason for which a message is put aside. */
bool spira_dead_letter_is_reason(const char *word);

#endif
