#include "core/model/description.h"

#include <inttypes.h>

enum { FORMAT = 1, MAX_FRAMES = 1 << 24, MAX_FEATURES = 1 << 20 };

static const char *const sections[] = {"audio", "features", "transform", "model", "evaluation"};
enum { SECTIONS = sizeof sections / sizeof *sections };

struct spira_value *spira_model_description_write(const struct spira_model_description *description)
{
    const struct spira_run_config config = {
        .audio = description->audio,
        .features = description->features,
        .transform = description->transform,
        .model = description->model,
        .threshold = description->threshold,
    };
    struct spira_value *document = spira_value_map();
    spira_value_set_int(document, "format", FORMAT);
    struct spira_value *configuration =
        spira_value_set(document, "configuration", spira_value_map());
    for (size_t i = 0; i < SECTIONS; i++)
        spira_value_set(configuration, sections[i], spira_run_config_section(&config, sections[i]));
    spira_value_set_int(document, "frames", (int64_t)description->frames);
    spira_value_set_int(document, "features", (int64_t)description->feature_count);
    if (description->training)
        spira_value_set(document, "training", spira_value_copy(description->training));
    if (description->dataset)
        spira_value_set_text(document, "dataset", description->dataset);
    if (description->sha256)
        spira_value_set_text(document, "sha256", description->sha256);
    return document;
}

/* A whole number of the document within limits. */
static enum spira_code read_count(const char *name, const struct spira_value *document,
                                  const char *key, int64_t min, int64_t max, size_t *ret_count,
                                  struct spira_error *err)
{
    const struct spira_value *value = spira_value_get(document, key);
    if (!value)
        return spira_fail(err, SPIRA_EINVALID, "%s: '%s' is missing", name, key);
    int64_t count = spira_value_as_int(value, INT64_MIN);
    if (count < min || count > max) {
        SPIRA_CLEANUP(spira_free_at)
        char *text = spira_value_to_text(value, SPIRA_COMPACT);
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: '%s' is %.40s, not a whole number from %" PRId64 " to %" PRId64,
                          name, key, text, min, max);
    }
    *ret_count = (size_t)count;
    return SPIRA_OK;
}

/* The sections as a run configuration of their own; the rest of it takes defaults. */
static enum spira_code read_configuration(const char *name, const struct spira_value *document,
                                          struct spira_run_config *config, struct spira_error *err)
{
    const struct spira_value *configuration = spira_value_get(document, "configuration");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *own = spira_value_map();
    for (size_t i = 0; i < SECTIONS; i++) {
        const struct spira_value *section = spira_value_get(configuration, sections[i]);
        if (spira_value_type(section) != SPIRA_MAP)
            return spira_fail(err, SPIRA_EINVALID, "%s: 'configuration.%s' is %s", name,
                              sections[i], section ? "no object" : "missing");
        spira_value_set(own, sections[i], spira_value_copy(section));
    }
    enum spira_code code = spira_run_config_read("configuration", own, config, err);
    return code == SPIRA_OK ? SPIRA_OK : spira_fail_within(err, "%s", name);
}

static size_t features_of(const struct spira_feature_config *features)
{
    switch (features->type) {
    case SPIRA_SPECTROGRAM:
        return features->n_fft / 2 + 1;
    case SPIRA_MELSPECTROGRAM:
        return features->num_mels;
    default:
        return features->num_mfcc;
    }
}

static enum spira_code check_shape(const char *name, const struct spira_run_config *config,
                                   size_t frames, size_t features, struct spira_error *err)
{
    if (features != features_of(&config->features))
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: 'features' is %zu, but 'configuration.features' makes %zu a frame",
                          name, features, features_of(&config->features));
    bool fixed = config->transform.overlap.enabled || config->transform.padding;
    if (fixed != (frames > 0))
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: 'frames' is %zu, but 'configuration.transform' makes %s", name,
                          frames, fixed ? "windows of one length" : "windows of any length");
    return SPIRA_OK;
}

enum spira_code spira_model_description_read(const char *name, const struct spira_value *document,
                                             struct spira_model_description *ret_description,
                                             struct spira_error *err)
{
    size_t format, frames, features;
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = read_count(name, document, "format", FORMAT, FORMAT, &format, err);
    if (code == SPIRA_OK)
        code = read_count(name, document, "frames", 0, MAX_FRAMES, &frames, err);
    if (code == SPIRA_OK)
        code = read_count(name, document, "features", 1, MAX_FEATURES, &features, err);
    if (code == SPIRA_OK)
        code = read_configuration(name, document, &config, err);
    if (code == SPIRA_OK)
        code = check_shape(name, &config, frames, features, err);
    if (code != SPIRA_OK)
        return code;
    *ret_description = (struct spira_model_description){
        .audio = config.audio,
        .features = config.features,
        .transform = config.transform,
        .model = config.model,
        .frames = frames,
        .feature_count = features,
        .threshold = config.threshold,
    };
    return SPIRA_OK;
}
