/* The finished dataset of a run: dataset.json, which names every recording and shard and has the
 * dataset's digest, and validation.json, which counts what came in and what stayed out. */
#ifndef SPIRA_CORE_DATASET_DATASET_H
#define SPIRA_CORE_DATASET_DATASET_H

#include "core/config/run_config.h"
#include "core/ports/digest.h"

/* Puts the documents together, shard by shard:
 *     dataset.json = {"format": 1, "digest", "features", "longest_train_frames", "windows",
 *         "recordings": [{"sha256", "recording_id", "label", "role", "patient", "copies",
 *                         "metadata", "shard", "windows", "frames", with train.folds "fold"}],
 *         "shards": [{"shard", "file": reference}]}
 *     validation.json = {"format": 1, "recordings", "seconds",
 *         "roles": {role: {"recordings", "patients", "control", "patient", "windows", "seconds"}},
 *         "seconds_range": {"least", "mean", "most"}, "rms_dbfs_range": the same; empty for none,
 *         "quarantined_share", "quarantined": [{"recording_id", "reason", "message"}],
 *         "duplicates": the same}
 * longest_train_frames is of all recordings that are trained on: with train.folds those of every
 * fold. Recordings are sorted by digest, those a shard quarantined left out; windows are counted
 * once, whatever the copies. The digest is the SHA-256 over the recordings (sha256, label, role,
 * patient), the feature configuration (spira_shard_configuration) and the digests of the shards'
 * files. */
struct spira_dataset_builder;

/* Keeps config. Never NULL. */
struct spira_dataset_builder *spira_dataset_builder_new(const struct spira_run_config *config);
void spira_dataset_builder_free(struct spira_dataset_builder *builder); /* NULL is fine */
void spira_dataset_builder_free_at(struct spira_dataset_builder **builder);

/* Adds a shard, in the order of the plan: its document there (core/dataset/plan.h), the reference
 * of its file and its result (core/dataset/shard.h). Borrows them all. */
void spira_dataset_add_shard(struct spira_dataset_builder *builder,
                             const struct spira_value *planned, const struct spira_value *file,
                             const struct spira_value *result);

/* Gives both documents when every shard was added; excluded is the plan's document of what stays
 * out. Codes of spira_plan_check: what a shard could not compute is quarantined here, and the rest
 * must still be a dataset. The builder is of no more use. */
SPIRA_MUST_USE enum spira_code
spira_dataset_finish(struct spira_dataset_builder *builder, const struct spira_value *excluded,
                     struct spira_digest digest, struct spira_value **ret_dataset,
                     struct spira_value **ret_validation, struct spira_error *err);

#endif
