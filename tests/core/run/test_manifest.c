#include <criterion/criterion.h>

#include "adapters/json/json_config.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/openssl/openssl_digest.h"
#include "core/run/manifest.h"

static const struct spira_offset_range ranges[] = {
    {"spira.audio.accepted", 0, 0, 12},
    {"spira.audio.accepted", 3, 5, 5},
    {"spira.audio.withdrawn", 1, 0, 4000000000},
};

/* A configuration of defaults, but its name and seed. */
static struct spira_run_config config_of(int64_t seed)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    spira_value_set_text(document, "name", "a-run");
    spira_value_set_int(document, "seed", seed);
    struct spira_run_config config;
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_read("test", document, &config, &err), SPIRA_OK, "%s",
                 err.message);
    return config;
}

static struct spira_value *manifest(void)
{
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = config_of(46);
    return spira_manifest("the-run", &config, ranges, 3);
}

Test(manifest, gives_back_the_configuration_and_the_corpus)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = manifest();
    cr_assert_eq(spira_value_get_int(document, "format", 0), 1);
    cr_assert_str_eq(spira_value_get_text(document, "run_id", ""), "the-run");
    cr_assert_str_eq(spira_value_get_text(document, "name", ""), "a-run");
    cr_assert_str_eq(spira_value_get_text(document, "generation", ""), "0");
    cr_assert_eq(spira_value_get_int(document, "seed", 0), 46);

    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    cr_assert_eq(spira_manifest_config(document, &config, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(config.seed, 46);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *written = spira_run_config_write(&config);
    cr_assert(spira_value_equal(written, spira_value_get(document, "configuration")));

    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *found = NULL;
    size_t count = 0;
    cr_assert_eq(spira_manifest_corpus(document, &found, &count, &err), SPIRA_OK);
    cr_assert_eq(count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_str_eq(found[i].topic, ranges[i].topic);
        cr_assert_eq(found[i].partition, ranges[i].partition);
        cr_assert_eq(found[i].from, ranges[i].from);
        cr_assert_eq(found[i].to, ranges[i].to);
    }
}

Test(manifest, is_found_in_the_store_by_its_run)
{
    struct spira_digest digest = spira_digest_openssl();
    struct spira_object_store store = spira_object_store_memory(digest);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = manifest();
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_manifest_key("the-run");
    cr_assert_str_eq(key, "runs/the-run/manifest.json");
    struct spira_error err = {0};
    struct spira_value *found = NULL;
    cr_assert_eq(spira_manifest_get(store, spira_config_source_json(), "the-run", &found, &err),
                 SPIRA_ENOTFOUND);
    cr_assert_null(found);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = NULL;
    cr_assert_eq(spira_document_put(store, digest, key, document, &reference, &err), SPIRA_OK);
    cr_assert_eq(spira_manifest_get(store, spira_config_source_json(), "the-run", &found, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert(spira_value_equal(found, document));
    spira_value_free(found);
    spira_object_store_done(&store);
}

Test(manifest, a_configuration_that_is_not_valid_names_the_run)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = manifest();
    spira_value_set_int(spira_value_get(document, "configuration"), "sede", 1);
    struct spira_error err;
    struct spira_run_config config = {0};
    cr_assert_eq(spira_manifest_config(document, &config, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "runs/the-run/manifest.json"), "%s", err.message);
    cr_assert(strstr(err.message, "sede"), "%s", err.message);
}

Test(manifest, a_range_that_cannot_be_is_refused)
{
    static const struct {
        const char *field;
        int64_t value;
    } wrong[] = {{"partition", -1},
                 {"partition", (int64_t)INT32_MAX + 1},
                 {"from", -1},
                 {"from", 13},
                 {"to", -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *document = manifest();
        spira_value_set_int(spira_value_at(spira_value_get(document, "corpus"), 0), wrong[i].field,
                            wrong[i].value);
        struct spira_error err;
        struct spira_offset_range *found = NULL;
        size_t count = 7;
        cr_assert_eq(spira_manifest_corpus(document, &found, &count, &err), SPIRA_EINVALID,
                     "case %zu", i);
        cr_assert_str_eq(err.message, "corpus range 0 of run the-run is not valid");
        cr_assert(!found && count == 7);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = manifest();
    spira_value_remove(spira_value_at(spira_value_get(document, "corpus"), 1), "topic");
    struct spira_error err;
    struct spira_offset_range *found = NULL;
    size_t count;
    cr_assert_eq(spira_manifest_corpus(document, &found, &count, &err), SPIRA_EINVALID);
}
