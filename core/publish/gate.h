/* The publishing gate: what a model's metrics must reach before it may be published. */
#ifndef SPIRA_CORE_PUBLISH_GATE_H
#define SPIRA_CORE_PUBLISH_GATE_H

#include "core/base/value.h"
#include "core/config/run_config.h"

/* Compares metrics (a map, as in evaluation.json) with each gate. A metric that is undefined (null)
 * or absent fails. Gives the gates that failed: [{"metric", "at_least", "value"}], value null where
 * undefined; an empty list means passed. Borrows gates and metrics. */
struct spira_value *spira_gate_failures(const struct spira_gate_config *gates, size_t count,
                                        const struct spira_value *metrics);

/* The same as a verdict: SPIRA_EREJECTED with a message that names each metric that failed, its
 * value and what it had to reach. */
SPIRA_MUST_USE enum spira_code spira_gate_check(const struct spira_gate_config *gates, size_t count,
                                                const struct spira_value *metrics,
                                                struct spira_error *err);

#endif
