/* The finished dataset of a run: dataset.json, which names every recording and shard and has the
 * dataset's digest, and validation.json, which counts what came in and what stayed out. */
#ifndef SPIRA_CORE_DATASET_DATASET_H
#define SPIRA_CORE_DATASET_DATASET_H

#include "core/config/run_config.h"
#include "core/ports/digest.h"

/* Gives both documents from a plan (core/dataset/plan.h) and, for each of its shards in its order,
 * the reference of the shard's file and its result (core/dataset/shard.h).
 *     dataset.json = {"format": 1, "digest", "features", "longest_train_frames", "windows",
 *         "recordings": [{"sha256", "recording_id", "label", "role", "patient", "shard", "copies",
 *                         "metadata", "windows", "frames"}],
 *         "shards": [{"shard", "file": reference}]}
 *     validation.json = {"format": 1, "recordings", "seconds",
 *         "roles": {role: {"recordings", "patients", "control", "patient", "windows", "seconds"}},
 *         "seconds_range": {"least", "mean", "most"}, "rms_dbfs_range": the same; empty for none,
 *         "quarantined_share", "quarantined": [{"recording_id", "reason", "message"}],
 *         "duplicates": the same}
 * Recordings are sorted by digest, those a shard quarantined left out; windows are counted once,
 * whatever the copies. The digest is the SHA-256 over the recordings (sha256, label, role,
 * patient), the feature configuration (spira_shard_configuration) and the digests of the shards'
 * files. Codes of spira_plan_check: what a shard could not compute is quarantined here, and the
 * rest must still be a dataset. */
SPIRA_MUST_USE enum spira_code
spira_dataset_assemble(const struct spira_value *plan, const struct spira_run_config *config,
                       const struct spira_value *const *shard_files,
                       const struct spira_value *const *shard_results, struct spira_digest digest,
                       struct spira_value **ret_dataset, struct spira_value **ret_validation,
                       struct spira_error *err);

#endif
