/* What fan-ins have in common: the parts of a step, which the run's state has as a set from "00007"
 * to the reference of the part's artifact. For fan_in.c and member_fan_in.c alone. */
#ifndef SPIRA_WORKERS_RUN_TRACKER_FAN_IN_PARTS_H
#define SPIRA_WORKERS_RUN_TRACKER_FAN_IN_PARTS_H

#include "core/config/run_config.h"
#include "workers/common/run/events.h"

/* Gives the parts of the set when all that are wanted are there and the run is under way; else
 * NULL. Codes of the run state. */
SPIRA_MUST_USE enum spira_code spira_fan_in_parts(const struct spira_worker *worker,
                                                  const char *run_id, const char *set,
                                                  int64_t wanted, struct spira_value **ret_parts,
                                                  struct spira_error *err);

/* The part that an event is about (its number is the field name) is what the run knows of it:
 * computed twice it is the same, else SPIRA_EDETERMINISM. */
SPIRA_MUST_USE enum spira_code spira_fan_in_check(const struct spira_value *parts, const char *name,
                                                  const struct spira_value *event,
                                                  struct spira_error *err);

/* Gives the reference of a part's artifact. */
SPIRA_MUST_USE enum spira_code
spira_fan_in_reference(const struct spira_worker *worker, const struct spira_value *parts,
                       int64_t number, struct spira_value **ret_reference, struct spira_error *err);

/* Gives a document that was there when its event was emitted. SPIRA_EALTERED: it is not now, and
 * ret_lost (free with free()) is its key. */
SPIRA_MUST_USE enum spira_code spira_fan_in_document(const struct spira_worker *worker,
                                                     const struct spira_value *reference,
                                                     struct spira_value **ret_document,
                                                     char **ret_lost, struct spira_error *err);

/* Gives the run's configuration. */
SPIRA_MUST_USE enum spira_code spira_fan_in_config(const struct spira_worker *worker,
                                                   const char *run_id,
                                                   struct spira_run_config *ret_config,
                                                   struct spira_error *err);

/* What follows when the parts make no whole, because of why: asks for what is lost (NULL: nothing
 * is), or fails the run in that step, or gives why on. */
SPIRA_MUST_USE enum spira_code spira_fan_in_settle(const struct spira_worker *worker,
                                                   const char *run_id, const char *step,
                                                   const char *lost, const struct spira_error *why,
                                                   struct spira_error *err);

#endif
