/* Checkpoints of a computation under way: <prefix>/<step key>/checkpoints/<name>.safetensors in the
 * store, the folder "checkpoints" among its outputs on disk. They only save time: losing one costs
 * a repetition, never a result. */
#ifndef SPIRA_WORKERS_COMMON_CHILD_CHECKPOINTS_H
#define SPIRA_WORKERS_COMMON_CHILD_CHECKPOINTS_H

#include <time.h>

#include "core/ports/object_store.h"
#include "core/run/job.h"

/* Which file on disk a checkpoint in the store is the copy of. */
struct spira_checkpoint_file {
    uint64_t inode;
    struct timespec changed;
};

struct spira_checkpoint {
    char *name;
    struct spira_checkpoint_file file;
};

struct spira_checkpoints {
    struct spira_object_store store;
    char *prefix; /* of their keys, ends with '/' */
    char *folder;
    struct spira_checkpoint *stored; /* those in the store */
    size_t count;
};

/* Makes the folder below outputs and fetches what a former attempt stored. */
SPIRA_MUST_USE enum spira_code spira_checkpoints_fetch(struct spira_object_store store,
                                                       const struct spira_job *job,
                                                       const char *outputs,
                                                       struct spira_checkpoints *ret_checkpoints,
                                                       struct spira_error *err);

/* Stores finished checkpoints that are new or written anew on disk, then removes from the store
 * those that are gone from it. */
SPIRA_MUST_USE enum spira_code spira_checkpoints_upload(struct spira_checkpoints *checkpoints,
                                                        struct spira_error *err);

/* Removes them from the store: the result is there, nobody needs them. */
SPIRA_MUST_USE enum spira_code spira_checkpoints_remove(struct spira_checkpoints *checkpoints,
                                                        struct spira_error *err);

void spira_checkpoints_done(struct spira_checkpoints *checkpoints); /* a zeroed one is fine */

#endif
