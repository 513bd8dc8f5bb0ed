/* The state of runs in a Redis (7 or newer, no cluster), by hiredis. Keys, after the prefix:
 *
 *     applied           hash: <topic>/<partition> to the offset its next event must have
 *     counters          hash: name to number
 *     runs              sorted set of run ids, every score 0: in the order of bytes
 *     run:<run id>      hash: the run (redis_run.h)
 *     progress:<run id> hash: step to "<time it expires, ms since the epoch>:<text>"; the key
 *                       expires with its last step
 *
 * An event's changes and its offset are one script, which a server with appendonly yes and
 * appendfsync always has on its disk before it answers; so is each of the other calls but `runs`,
 * which reads in pages. Several connections, processes and threads may share a prefix. Two states
 * do not meet unless the prefix of one is the other's with run: or progress: behind it.
 *
 * Failures: redis_link.h. A change may have 65536 operations (SPIRA_ETOOBIG). */
#ifndef SPIRA_ADAPTERS_REDIS_RUN_STATE_REDIS_H
#define SPIRA_ADAPTERS_REDIS_RUN_STATE_REDIS_H

#include "core/ports/run_state.h"

/* Gives a state, which ends with spira_run_state_done. Connects at the first call: a Redis that is
 * not there yet is waited for by trying again. SPIRA_EINVALID for a URL (redis_url.h) or a prefix
 * (1 to 64 bytes) that is none. */
SPIRA_MUST_USE enum spira_code spira_run_state_redis(const char *url, const char *prefix,
                                                     struct spira_run_state *ret_state,
                                                     struct spira_error *err);

#endif
