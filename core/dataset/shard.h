/* One shard of a dataset: the windows of its recordings, unpadded and unmixed.
 * Each recording and noise copy is one F32 tensor "<sha256>.<copy>" (windows, frames, features). */
#ifndef SPIRA_CORE_DATASET_SHARD_H
#define SPIRA_CORE_DATASET_SHARD_H

#include "core/config/run_config.h"
#include "core/ports/audio_source.h"
#include "core/ports/digest.h"
#include "core/ports/fourier.h"
#include "core/ports/progress.h"
#include "core/ports/tensors.h"

struct spira_shard_name {
    char text[40];
};
struct spira_shard_name spira_shard_name(int64_t shard); /* "shard-00012.safetensors" */

struct spira_shard_tensor {
    char text[96];
};
struct spira_shard_tensor spira_shard_tensor_name(const char *sha256,
                                                  size_t copy); /* "<sha256>.<copy>" */

/* What decides the numbers in a shard, and nothing else of a configuration: {"audio":
 * {"sample_rate", "short_recordings"}, "features", "transform": {"noise", "overlap"}}. Never NULL.
 */
struct spira_value *spira_shard_configuration(const struct spira_run_config *config);

struct spira_shard_job {
    const struct spira_run_config *config;
    uint64_t seed;                        /* of the noise */
    const struct spira_value *recordings; /* [{"sha256", "label", "copies"}], sorted by sha256 */
    const struct spira_value *noises;     /* ["<sha256>"] */
    const char *inputs;                   /* folder: each recording and noise under its sha256 */
    const char *path;                     /* the shard's file */
    uint64_t max_bytes;                   /* of that file; 0: any number */
    struct spira_audio_source audio;
    struct spira_fourier fourier;
    struct spira_tensors tensors;
    size_t threads;
    struct spira_progress progress;
};

/* Computes the shard and gives its result: {"features": dims, "recordings": [{"sha256", "windows",
 * "frames"}], "quarantined": [{"recording_id" (the sha256), "reason", "message"}]}. A recording
 * that cannot be used is quarantined, the others go on. The same job gives the same bytes for any
 * number of threads. SPIRA_EINTERRUPTED, SPIRA_EIO, SPIRA_ENOMEMORY; SPIRA_EINVALID when a noise
 * cannot be used; SPIRA_ETOOBIG, before any feature is computed, when the file would not fit. */
SPIRA_MUST_USE enum spira_code spira_shard_compute(const struct spira_shard_job *job,
                                                   struct spira_value **ret_result,
                                                   struct spira_error *err);

#endif
