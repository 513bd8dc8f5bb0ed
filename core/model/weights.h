/* A network's parameters as a file of tensors, with the reference framework's names, so that its
 * users can load ours and we theirs. */
#ifndef SPIRA_CORE_MODEL_WEIGHTS_H
#define SPIRA_CORE_MODEL_WEIGHTS_H

#include "core/model/network.h"
#include "core/ports/tensors.h"

/* Fills the network's parameters from the tensors of file whose names are prefix + the parameter's.
 * SPIRA_EINVALID names a tensor that is missing or has another shape; the network is then partly
 * filled. Tensors the network does not have are ignored. path is the file's, for messages. */
SPIRA_MUST_USE enum spira_code spira_weights_read(const struct spira_tensor_file *file,
                                                  const char *path, const char *prefix,
                                                  struct spira_network *network,
                                                  struct spira_error *err);

/* Opens path and reads it with no prefix. */
SPIRA_MUST_USE enum spira_code spira_weights_load(struct spira_tensors tensors, const char *path,
                                                  struct spira_network *network,
                                                  struct spira_error *err);

/* Writes every parameter to path. The same parameters give the same bytes. */
SPIRA_MUST_USE enum spira_code spira_weights_save(struct spira_tensors tensors, const char *path,
                                                  const struct spira_network *network,
                                                  struct spira_error *err);

#endif
