/* From a corpus to shards: which recordings take part, in which role, and which shard computes
 * them. */
#ifndef SPIRA_CORE_DATASET_PLAN_H
#define SPIRA_CORE_DATASET_PLAN_H

#include "core/config/run_config.h"
#include "core/dataset/splitter.h"

enum {
    SPIRA_SHARD_RECORDINGS = 32, /* in a shard, at most */
    SPIRA_SHARD_BITS = 15        /* the most bits shards are cut by: beyond, they may hold more */
};

/* Gives the plan of a corpus (core/dataset/corpus.h) under a configuration:
 *     {"format": 1,
 *      "recordings": [{"sha256", "key", "recording_id", "label", "role", "patient", "copies",
 *                      "shard", "seconds", "rms_dbfs", "peak", "metadata"}],
 *      "noises": [{"sha256", "key", "recording_id"}],
 *      "shards": [0, 3, ...],
 *      "quarantined": [{"recording_id", "reason", "message"}],
 *      "duplicates": [{"recording_id", "reason", "message"}]}
 * Recordings and noises are sorted by digest; noises are none when the configuration uses none.
 * "shards" has those that hold anything, in the order of the recordings.
 *
 * The role is the patient's prescribed split, else drawn. Copies are for the train role, of
 * recordings whose label gets noise mixed in; any other recording has one.
 *
 * A shard has the recordings whose digests begin with the same bits: the fewest with which it holds
 * at most SPIRA_SHARD_RECORDINGS. So a new recording changes the one shard it falls into, or, where
 * that was full, replaces it by its halves; every other shard stays what it was. With n bits of the
 * value v its number is 2^n - 1 + v.
 *
 * SPIRA_EQUARANTINE when the quarantined share is above its limit; SPIRA_EINVALID when a role is
 * empty, the train role lacks a class, or noise is asked for and there is none. */
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
