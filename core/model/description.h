/* model.json: all that prediction needs beside the weights.
 *     {"format": 1,
 *      "configuration": {"audio", "features", "transform", "model", "evaluation"},
 *      "frames": of a window, 0 when the model works per frame, "features": values per frame,
 *      "training": {...} (what the training found), "dataset": digest, "sha256": of the weights} */
#ifndef SPIRA_CORE_MODEL_DESCRIPTION_H
#define SPIRA_CORE_MODEL_DESCRIPTION_H

#include "core/config/run_config.h"

struct spira_model_description {
    struct spira_audio_config audio;
    struct spira_feature_config features;
    struct spira_transform_config transform;
    struct spira_model_config model;
    size_t frames, feature_count;
    double threshold;
    /* Of where it came from; borrowed; NULL after a read. */
    const struct spira_value *training;
    const char *dataset, *sha256;
};

/* Gives the document. */
struct spira_value *
spira_model_description_write(const struct spira_model_description *description);

/* Fills ret_description from a document (further keys, as in the registry's model.json, are
 * ignored). name is the document's, for messages. SPIRA_EINVALID names the key and the value. */
SPIRA_MUST_USE enum spira_code
spira_model_description_read(const char *name, const struct spira_value *document,
                             struct spira_model_description *ret_description,
                             struct spira_error *err);

#endif
