/* A small network with drawn weights and the description that goes with it, for tests. */
#ifndef SPIRA_TESTS_DRAWN_MODEL_H
#define SPIRA_TESTS_DRAWN_MODEL_H

#include <criterion/criterion.h>

#include "adapters/json/json_config.h"
#include "adapters/plain/matrix_plain.h"
#include "core/model/description.h"
#include "core/model/network.h"

enum { DRAWN_FRAMES = 61, DRAWN_FEATURES = 2 };

struct drawn_model {
    struct spira_network *network;
    struct spira_model_description description;
};

/* name: spiraconv_v1 or spiraconv_v2; windows of DRAWN_FRAMES frames, or per frame. */
static inline struct drawn_model drawn_model(const char *name, bool per_frame, uint64_t seed)
{
    struct drawn_model drawn;
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("{\"features\": {\"num_mfcc\": %d}, \"transform\": {%s}, "
                              "\"model\": {\"name\": \"%s\", \"fc1_dim\": 3}}",
                              DRAWN_FEATURES, per_frame ? "\"overlap\": null" : "", name);
    cr_assert_eq(spira_config_parse(spira_config_source_json(), "drawn", text, strlen(text),
                                    &document, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_run_config_read("drawn", document, &config, &err), SPIRA_OK, "%s",
                 err.message);
    drawn.description = (struct spira_model_description){
        .audio = config.audio,
        .features = config.features,
        .transform = config.transform,
        .model = config.model,
        .frames = per_frame ? 0 : DRAWN_FRAMES,
        .feature_count = DRAWN_FEATURES,
        .threshold = config.threshold,
    };
    cr_assert_eq(spira_network_new(&config.model, drawn.description.frames, DRAWN_FEATURES,
                                   spira_matrix_plain(), 1, &drawn.network, &err),
                 SPIRA_OK, "%s", err.message);
    spira_network_draw(drawn.network, seed, "");
    return drawn;
}

#endif
