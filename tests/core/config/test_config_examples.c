#include <criterion/criterion.h>

#include "adapters/json/json_config.h"
#include "core/config/run_config.h"

/* The configuration files this project ships are read as they are. */
static struct spira_run_config read_file(const char *path)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    cr_assert_eq(spira_config_read(spira_config_source_json(), path, 1 << 20, &document, &err),
                 SPIRA_OK, "%s", err.message);
    struct spira_run_config config = {0};
    cr_assert_eq(spira_run_config_read(path, document, &config, &err), SPIRA_OK, "%s", err.message);
    return config;
}

Test(config_examples, the_demo_reads)
{
    struct spira_run_config config = read_file("docs/examples/demo.json");
    cr_assert_str_eq(config.name, "demo");
    cr_assert_eq(config.transform.noise.copies, 4);
    cr_assert_eq(config.train.epochs, 25);
    cr_assert_str_eq(config.gates[0].metric, "balanced_accuracy");
    cr_assert_eq(config.gates[0].at_least, 0.7);
}

Test(config_examples, the_small_one_of_the_end_to_end_tests_reads)
{
    struct spira_run_config config = read_file("tests/e2e/small.json");
    cr_assert_eq(config.seed, 7);
    cr_assert_eq(config.model.fc1_dim, 16);
}

Test(config_examples, a_written_document_survives_the_json_reader)
{
    struct spira_run_config config = read_file("docs/examples/demo.json");
    config.seed = INT64_MAX;
    config.train.learning_rate = 1.0 / 3;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *written = spira_run_config_write(&config);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(written, SPIRA_PRETTY);
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *parsed = NULL;
    cr_assert_eq(
        spira_config_parse(spira_config_source_json(), "c", text, strlen(text), &parsed, &err),
        SPIRA_OK, "%s", err.message);
    cr_assert(spira_value_equal(written, parsed));
}
