/* Scores recordings with a trained model: model.safetensors and the model.json beside it. */
#ifndef SPIRA_CLI_PREDICTION_H
#define SPIRA_CLI_PREDICTION_H

#include <stdbool.h>

#include "core/features/examples.h"
#include "workers/common/step/stored_model.h"

/* A model ready to score; opened once, used for one recording after the other. One thread. */
struct spira_predictor {
    struct spira_stored_model model;
    struct spira_feature_extractor *extractor;
    struct spira_example_chain chain;
    struct spira_audio_source audio;
};

/* Opens the model as spira_stored_model_open does, with its codes. Fills ret_predictor, which must
 * not move after it (its parts point at each other); end with spira_predictor_done, also after a
 * failure. */
SPIRA_MUST_USE enum spira_code spira_predictor_open(const struct spira_tools *tools,
                                                    const char *model_path,
                                                    const char *description_path,
                                                    struct spira_predictor *ret_predictor,
                                                    struct spira_error *err);
void spira_predictor_done(struct spira_predictor *predictor);

struct spira_prediction {
    double probability; /* the mean over the windows */
    bool positive;      /* at least the model's threshold */
    double *windows;    /* each window's; free with free() */
    size_t count;
    size_t frames, kept_frames; /* of a window: fewer kept than there are when it was cut */
};

/* Scores one recording. Codes of spira_wave_load and spira_example_shape; SPIRA_EINVALID names the
 * recording. */
SPIRA_MUST_USE enum spira_code spira_predict(struct spira_predictor *predictor, const char *path,
                                             struct spira_prediction *ret_prediction,
                                             struct spira_error *err);

#endif
