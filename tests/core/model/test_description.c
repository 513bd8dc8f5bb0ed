#include "core/model/description.h"

#include <criterion/criterion.h>

static struct spira_error err;

/* The configuration that a document with these keys makes. */
static struct spira_run_config configuration(const char *const *keys, const int64_t *numbers,
                                             size_t count)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(spira_run_config_set(document, keys[i], "", spira_value_int(numbers[i]), &err),
                     SPIRA_OK);
    struct spira_run_config config;
    cr_assert_eq(spira_run_config_read("test", document, &config, &err), SPIRA_OK, "%s",
                 err.message);
    return config;
}

/* A description in which little is a default. */
static struct spira_model_description describe(struct spira_run_config *config)
{
    *config = configuration(
        (const char *const[]){"audio.sample_rate", "features.num_mfcc", "model.fc1_dim"},
        (const int64_t[]){8000, 20, 50}, 3);
    return (struct spira_model_description){
        .audio = config->audio,
        .features = config->features,
        .transform = config->transform,
        .model = config->model,
        .frames = 201,
        .feature_count = 20,
        .threshold = 0.375,
        .dataset = "digest of the dataset",
        .sha256 = "digest of the weights",
    };
}

static struct spira_value *written(void)
{
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    struct spira_model_description description = describe(&config);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *training = spira_value_map();
    spira_value_set_int(training, "best_epoch", 7);
    description.training = training;
    return spira_model_description_write(&description);
}

Test(description, comes_back_as_it_was_written)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = written();
    struct spira_model_description read;
    cr_assert_eq(spira_model_description_read("model.json", document, &read, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert_eq(read.audio.rate_hz, 8000);
    cr_assert_eq(read.features.num_mfcc, 20);
    cr_assert_eq(read.model.fc1_dim, 50);
    cr_assert_eq(read.frames, 201);
    cr_assert_eq(read.feature_count, 20);
    cr_assert_eq(read.threshold, 0.375);
    cr_assert_null(read.training);
    cr_assert_null(read.dataset);
    cr_assert_null(read.sha256);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *again = spira_model_description_write(&read);
    cr_assert(spira_value_equal(spira_value_get(again, "configuration"),
                                spira_value_get(document, "configuration")),
              "the whole configuration");
}

Test(description, says_where_the_model_came_from)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = written();
    cr_assert_eq(spira_value_get_int(document, "format", 0), 1);
    cr_assert_eq(spira_value_as_int(spira_value_find(document, "training.best_epoch"), 0), 7);
    cr_assert_str_eq(spira_value_get_text(document, "dataset", ""), "digest of the dataset");
    cr_assert_str_eq(spira_value_get_text(document, "sha256", ""), "digest of the weights");
}

static void expect_refused(const struct spira_value *document, const char *message)
{
    struct spira_model_description read;
    cr_assert_eq(spira_model_description_read("model.json", document, &read, &err), SPIRA_EINVALID,
                 "not refused: %s", message);
    cr_assert_not_null(strstr(err.message, message), "%s", err.message);
    cr_assert_eq(strncmp(err.message, "model.json: ", 12), 0, "%s", err.message);
}

Test(description, needs_every_key)
{
    static const char *const keys[] = {"format", "configuration", "frames", "features"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *document = written();
        spira_value_remove(document, keys[i]);
        expect_refused(document, "is missing");
        expect_refused(document, keys[i]);
    }
    expect_refused(NULL, "'format' is missing");
}

Test(description, needs_every_section_of_the_configuration)
{
    static const char *const sections[] = {"audio", "features", "transform", "model", "evaluation"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *document = written();
        struct spira_value *configuration_of = spira_value_get(document, "configuration");
        char message[64];
        spira_value_set_int(configuration_of, sections[i], 3);
        snprintf(message, sizeof message, "'configuration.%s' is no object", sections[i]);
        expect_refused(document, message);
        spira_value_remove(configuration_of, sections[i]);
        snprintf(message, sizeof message, "'configuration.%s' is missing", sections[i]);
        expect_refused(document, message);
    }
}

Test(description, refuses_numbers_out_of_range_with_key_and_value)
{
    static const struct {
        const char *key;
        int64_t number;
        const char *message;
    } cases[] = {
        {"format", 2, "'format' is 2, not a whole number from 1 to 1"},
        {"frames", -1, "'frames' is -1, not a whole number from 0 to "},
        {"frames", INT64_MAX, "'frames' is 9223372036854775807, "},
        {"features", 0, "'features' is 0, not a whole number from 1 to "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *document = written();
        spira_value_set_int(document, cases[i].key, cases[i].number);
        expect_refused(document, cases[i].message);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = written();
    spira_value_set_text(document, "frames", "many");
    expect_refused(document, "'frames' is \"many\", not a whole number");
}

Test(description, refuses_a_shape_its_own_configuration_does_not_make)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = written();
    spira_value_set_int(document, "features", 21);
    expect_refused(document, "'features' is 21, but 'configuration.features' makes 20 a frame");
    spira_value_set_int(document, "features", 20);
    spira_value_set_int(document, "frames", 0);
    expect_refused(document, "'frames' is 0, but 'configuration.transform' makes windows of one "
                             "length");
}

Test(description, refuses_a_wrong_value_of_the_configuration_by_its_key)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = written();
    spira_value_set_int(spira_value_find(document, "configuration.audio"), "sample_rate", -5);
    expect_refused(document, "audio.sample_rate");
    expect_refused(document, "-5");
}

Test(description, ignores_what_the_registry_adds)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = written();
    spira_value_set(document, "published", spira_value_map());
    struct spira_value *split =
        spira_value_set(spira_value_get(document, "configuration"), "split", spira_value_map());
    spira_value_set_text(split, "of another program", "yes");
    struct spira_model_description read;
    cr_assert_eq(spira_model_description_read("model.json", document, &read, &err), SPIRA_OK);
}
