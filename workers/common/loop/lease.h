/* Who is at work on a message. Kafka may give the partition of a message under way to another
 * member, as when a worker is added; the work goes on all the same, and whoever owns the partition
 * now leaves the message alone while the worker that has it shows that it lives. Leases are entries
 * with an end in the run state; without them work would be done twice, never wrongly. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_LEASE_H
#define SPIRA_WORKERS_COMMON_LOOP_LEASE_H

#include "workers/common/worker.h"

enum { SPIRA_LEASE_MS = 10000 };

/* Whether another worker than this one holds the lease of the message, which is about the run.
 * Codes of the run state. */
SPIRA_MUST_USE enum spira_code spira_lease_elsewhere(const struct spira_worker *worker,
                                                     const char *run_id,
                                                     const struct spira_message *message,
                                                     bool *ret_elsewhere, struct spira_error *err);

/* This worker holds it for another SPIRA_LEASE_MS. Codes of the run state. */
SPIRA_MUST_USE enum spira_code spira_lease_renew(const struct spira_worker *worker,
                                                 const char *run_id,
                                                 const struct spira_message *message,
                                                 struct spira_error *err);

/* Nobody holds it any more. Codes of the run state. */
SPIRA_MUST_USE enum spira_code spira_lease_release(const struct spira_worker *worker,
                                                   const char *run_id,
                                                   const struct spira_message *message,
                                                   struct spira_error *err);

#endif
