/* The dead letters of a fleet: which there are, and what becomes of them. */
#ifndef SPIRA_CLI_DEAD_LETTERS_H
#define SPIRA_CLI_DEAD_LETTERS_H

#include "workers/common/loop/dead_letter.h"

/* Gives the letters that nobody has dealt with, each once, as spira_dead_letter_open gives them
 * plus "place": {"partition", "offset"} on the dead-letter topic; in the order of the pipeline's
 * topics. topic (short, "run.requested") and reason choose some; NULL: all. ret_strange is the
 * number of messages on those topics that are no dead letters. A dead-letter topic that is not
 * there holds none. SPIRA_EINVALID: no such topic or reason; codes of spira_bus_read. */
SPIRA_MUST_USE enum spira_code spira_dead_letters_list(const struct spira_worker *worker,
                                                       const char *topic, const char *reason,
                                                       struct spira_value **ret_letters,
                                                       size_t *ret_strange,
                                                       struct spira_error *err);

/* Gives the letters of these ids. SPIRA_EINVALID: an id is none; SPIRA_ENOTFOUND names the first
 * that no open letter has. */
SPIRA_MUST_USE enum spira_code spira_dead_letters_find(const struct spira_worker *worker,
                                                       const char *const *ids, size_t count,
                                                       struct spira_value **ret_letters,
                                                       struct spira_error *err);

/* Called with a letter and its message on the dead-letter topic; both borrowed. */
typedef enum spira_code spira_dead_letter_visit(void *context, const struct spira_value *letter,
                                                const struct spira_message *message,
                                                struct spira_error *err);

/* Reads the messages of the letters listed, in their order. */
SPIRA_MUST_USE enum spira_code spira_dead_letters_read(const struct spira_worker *worker,
                                                       const struct spira_value *letters,
                                                       spira_dead_letter_visit *visit,
                                                       void *context, struct spira_error *err);

/* Sends each letter's message again to the topic it came from, then marks them retried. When it
 * fails in between, some are sent and not marked: a repetition sends them again, which changes
 * nothing. SPIRA_ETIMEOUT: not everything was acknowledged. */
SPIRA_MUST_USE enum spira_code spira_dead_letters_retry(const struct spira_worker *worker,
                                                        const struct spira_value *letters,
                                                        struct spira_error *err);

/* Marks each letter discarded. SPIRA_ETIMEOUT as above. */
SPIRA_MUST_USE enum spira_code spira_dead_letters_discard(const struct spira_worker *worker,
                                                          const struct spira_value *letters,
                                                          struct spira_error *err);

#endif
