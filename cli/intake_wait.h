/* What became of recordings that were sent: read from the topics of the intake's answers, without
 * joining any group. */
#ifndef SPIRA_CLI_INTAKE_WAIT_H
#define SPIRA_CLI_INTAKE_WAIT_H

#include "workers/common/run/events.h"

struct spira_intake_wait {
    const struct spira_worker *worker;
    struct spira_awaited *awaited; /* sorted */
    size_t count, settled, accepted;
    struct spira_offset_range *positions; /* `from` is where the next look begins */
    size_t position_count;
    struct spira_value *rejected; /* [{"recording_id", "reason", "message"}] */
    struct spira_value *failed;   /* the same of those that became dead letters */
};

/* Notes where the topics end now, for these events (audio.collected, dated), which are then sent.
 * Keeps events. Gives ret_wait, ended by spira_intake_wait_done. Codes of the bus. */
SPIRA_MUST_USE enum spira_code spira_intake_wait_begin(const struct spira_worker *worker,
                                                       const struct spira_value *events,
                                                       struct spira_intake_wait *ret_wait,
                                                       struct spira_error *err);

/* Reads what was said since; never waits. All are settled when settled is count. Codes of the bus;
 * after a transient one look again. */
SPIRA_MUST_USE enum spira_code spira_intake_wait_look(struct spira_intake_wait *wait,
                                                      struct spira_error *err);

/* A zeroed one is fine. */
void spira_intake_wait_done(struct spira_intake_wait *wait);

#endif
