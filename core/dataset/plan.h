/* From a corpus to shards: which recordings take part, in which role, and which shard computes
 * them. */
#ifndef SPIRA_CORE_DATASET_PLAN_H
#define SPIRA_CORE_DATASET_PLAN_H

#include "core/config/run_config.h"
#include "core/dataset/splitter.h"

/* Recordings a shard holds on average, at most. */
enum { SPIRA_SHARD_RECORDINGS = 32 };

/* Gives the plan of a corpus (core/dataset/corpus.h) under a configuration:
 *     {"format": 1,
 *      "recordings": [{"sha256", "key", "recording_id", "label", "role", "patient", "copies",
 * "shard", "seconds", "rms_dbfs", "peak", "metadata"}],    sorted by sha256 "noises": [{"sha256",
 * "key", "recording_id"}],       none when the configuration uses none "shards": [0, 3, ...], the
 * shards that hold anything "quarantined": [{"recording_id", "reason", "message"}], "duplicates":
 * the same} A shard is the leading bits of the digest, as many as keep shards at
 * SPIRA_SHARD_RECORDINGS on average. SPIRA_EQUARANTINE when the quarantined share is above its
 * limit; SPIRA_EINVALID when a role is empty, the train role lacks a class, or noise is asked for
 * and there is none. */
SPIRA_MUST_USE enum spira_code spira_plan(const struct spira_value *corpus,
                                          const struct spira_run_config *config,
                                          struct spira_value **ret_plan, struct spira_error *err);

/* What a plan and a finished dataset must fulfil: the quarantined share is within its limit
 * (SPIRA_EQUARANTINE, naming the first), every role has a recording and the train role has both
 * labels (SPIRA_EINVALID). */
SPIRA_MUST_USE enum spira_code spira_plan_check(const struct spira_value *recordings,
                                                const struct spira_value *quarantined,
                                                const struct spira_run_config *config,
                                                struct spira_error *err);

#endif
