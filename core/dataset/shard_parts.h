/* What the files of a shard's computation share: shard.c measures the recordings and describes the
 * result, shard_noises.c reads the noises, shard_groups.c computes and writes. */
#ifndef SPIRA_CORE_DATASET_SHARD_PARTS_H
#define SPIRA_CORE_DATASET_SHARD_PARTS_H

#include <pthread.h>

#include "core/dataset/shard.h"
#include "core/features/examples.h"

struct outcome {
    enum spira_code code;
    struct spira_error err;
};

struct recording {
    const char *sha256;
    int label;
    size_t copies;
    struct spira_example_shape shape;
    size_t samples;     /* at the rate of the features */
    const char *reason; /* static; NULL: it can be used, else outcome.err says why not */
    struct outcome outcome;
    /* While its windows are computed: */
    bool decoded, spilled;
    struct spira_wave wave;
    struct spira_example *examples; /* (copies) */
};

struct shard {
    const struct spira_shard_job *job;
    struct spira_example_chain chain;
    struct spira_feature_extractor *extractor;
    struct recording *recordings;
    size_t count;
    struct spira_wave *noises;
    size_t noise_count;
    struct spira_examples *examples; /* one a thread */
    /* A file without a name, for what is too long to be held in memory: noises first. */
    int spill;
    int64_t spill_noises, spill_end; /* where the noises and all of it end */
    pthread_mutex_t lock;            /* guards what follows, and job->progress */
    size_t done;
    bool stopping;
};

/* Whether the work goes on; every piece asks before it begins. */
bool spira_shard_goes_on(struct shard *shard);
/* One recording more is dealt with. */
void spira_shard_report(struct shard *shard);

/* Whose fault it is that an input could not be read: see shard.c. */
enum spira_code spira_shard_blame(enum spira_code code, const char *path, struct spira_error *err);

/* Fills shard->noises. SPIRA_EINVALID names a noise that cannot be used; SPIRA_EINTERRUPTED. */
SPIRA_MUST_USE enum spira_code spira_shard_noises(struct shard *shard, struct spira_error *err);

/* Computes every window of the recordings that can be used and appends them to writer, in order. */
SPIRA_MUST_USE enum spira_code spira_shard_windows(struct shard *shard, void *writer,
                                                   struct spira_error *err);
/* Frees what is held of a recording while its windows are computed. */
void spira_shard_release(struct recording *recording);

#endif
