/* The recordings of one role of a dataset, read from its shards: padded, mixed, one noise copy an
 * epoch. Of the shards only what the newest batch shows is mapped, and what the one ahead of it
 * will, which a thread of the loader's composes meanwhile: a dataset, and a batch, may be any times
 * larger than the memory. */
#ifndef SPIRA_CORE_DATASET_LOADER_H
#define SPIRA_CORE_DATASET_LOADER_H

#include "core/config/run_config.h"
#include "core/dataset/splitter.h"
#include "core/ports/tensors.h"
#include "core/training/batch.h"

struct spira_loader_options {
    enum spira_role role;
    size_t folds, fold;   /* of cross-validation: that fold is the validation role, all the others
                             the train role; folds 0: roles are the dataset's */
    size_t padded_frames; /* every window is padded or cut to these; 0: as they are */
    const struct spira_mixture_config *mixture; /* NULL: none */
    uint64_t seed;                              /* of the mixture */
    size_t most_bytes; /* of a batch that is made at once; a larger one is made as it is shown.
                          0: 64 MiB */
};

/* Reads the headers of those shards of dataset (a dataset.json) that have recordings of the role,
 * in folder, where each has the name spira_shard_name gives; they must stay as they are. Borrows
 * dataset and keeps nothing of it. Gives ret_loader (spira_loader_done).
 * SPIRA_EINVALID when a shard lacks a tensor the dataset names. */
SPIRA_MUST_USE enum spira_code
spira_dataset_loader(struct spira_tensors tensors, const struct spira_value *dataset,
                     const char *folder, const struct spira_loader_options *options,
                     struct spira_loader *ret_loader, struct spira_error *err);

#endif
