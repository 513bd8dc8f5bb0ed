/* The registry over the memory store: what every caller sees, whatever was cut off. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <unistd.h>

#include "adapters/flaky/object_store_flaky.h"
#include "adapters/json/json_config.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/openssl/openssl_digest.h"
#include "core/base/file.h"
#include "core/base/parallel.h"
#include "core/publish/registry.h"

static struct spira_registry over(struct spira_object_store store)
{
    return (struct spira_registry){store, spira_digest_openssl(), spira_config_source_json()};
}

static struct spira_registry new_registry(void)
{
    return over(spira_object_store_memory(spira_digest_openssl()));
}

/* Publishes a file that holds this text, and as its model.onnx the same file. */
static enum spira_code publish(const struct spira_registry *registry, const char *model,
                               const char *weights, int64_t *ret_version, struct spira_error *err)
{
    static atomic_int files;
    char path[64];
    snprintf(path, sizeof path, "/tmp/spira-registry-%d-%d", (int)getpid(),
             atomic_fetch_add(&files, 1));
    cr_assert_eq(spira_file_write(path, weights, strlen(weights), err), SPIRA_OK);
    struct spira_sha256 sha256 = spira_digest_bytes(registry->digest, weights, strlen(weights));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *facts = spira_value_map();
    spira_value_set_text(facts, "weights", weights);
    struct spira_publication publication = {model, path, sha256.hex, path, sha256.hex, facts};
    enum spira_code code = spira_registry_publish(registry, &publication, ret_version, err);
    unlink(path);
    return code;
}

static int64_t must_publish(const struct spira_registry *registry, const char *model,
                            const char *weights)
{
    struct spira_error err = {0};
    int64_t version = 0;
    cr_assert_eq(publish(registry, model, weights, &version, &err), SPIRA_OK, "%s", err.message);
    return version;
}

static int64_t champion(const struct spira_registry *registry, const char *model)
{
    struct spira_error err = {0};
    int64_t version = 0;
    cr_assert_eq(spira_registry_champion(registry, model, &version, &err), SPIRA_OK, "%s",
                 err.message);
    return version;
}

/* The text a version was published with. */
static char *weights_of(const struct spira_registry *registry, const char *model, int64_t version)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_registry_key(model, version, "model.safetensors");
    cr_assert_eq(spira_store_get(registry->store, key, 100, &bytes, &err), SPIRA_OK, "%s",
                 err.message);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    cr_assert_eq(spira_registry_show(registry, model, version, &manifest, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert_str_eq(spira_value_get_text(manifest, "weights", ""), bytes.data);
    cr_assert_eq(spira_value_as_int(spira_value_find(manifest, "published.version"), 0), version);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes onnx = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *onnx_key = spira_registry_key(model, version, "model.onnx");
    cr_assert_eq(spira_store_get(registry->store, onnx_key, 100, &onnx, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert_str_eq(onnx.data, bytes.data);
    cr_assert_str_eq(spira_value_as_text(spira_value_find(manifest, "published.onnx_sha256"), ""),
                     spira_digest_bytes(registry->digest, onnx.data, onnx.size).hex);
    return spira_copy_text(bytes.data);
}

/* The history of a model as "1 2 3": the versions of its entries. */
static char *history(const struct spira_registry *registry, const char *model)
{
    char *versions = spira_copy_text("");
    for (int change = 1;; change++) {
        struct spira_error err;
        SPIRA_CLEANUP(spira_bytes_done)
        struct spira_bytes bytes = {0};
        SPIRA_CLEANUP(spira_free_at)
        char *key = spira_format("registry/%s/history/%06d.json", model, change);
        if (spira_store_get(registry->store, key, 1000, &bytes, &err) != SPIRA_OK)
            return versions;
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *entry = NULL;
        cr_assert_eq(spira_config_parse(registry->json, key, bytes.data, bytes.size, &entry, &err),
                     SPIRA_OK);
        cr_assert_eq(spira_value_get_int(entry, "change", 0), change);
        char *longer = spira_format("%s%s%jd", versions, change > 1 ? " " : "",
                                    (intmax_t)spira_value_get_int(entry, "version", 0));
        free(versions);
        versions = longer;
    }
}

Test(registry, numbers_versions_and_makes_the_newest_champion)
{
    struct spira_registry registry = new_registry();
    cr_assert_eq(must_publish(&registry, "spira", "one"), 1);
    cr_assert_eq(champion(&registry, "spira"), 1);
    cr_assert_eq(must_publish(&registry, "spira", "two"), 2);
    cr_assert_eq(champion(&registry, "spira"), 2);
    cr_assert_eq(must_publish(&registry, "other", "one"), 1, "a model's numbers are its own");
    cr_assert_eq(champion(&registry, "spira"), 2);
    SPIRA_CLEANUP(spira_free_at)
    char *first = weights_of(&registry, "spira", 1);
    cr_assert_str_eq(first, "one");
    spira_object_store_done(&registry.store);
}

Test(registry, the_same_digest_again_keeps_its_version)
{
    struct spira_registry registry = new_registry();
    must_publish(&registry, "spira", "one");
    must_publish(&registry, "spira", "two");
    cr_assert_eq(must_publish(&registry, "spira", "one"), 1);
    cr_assert_eq(champion(&registry, "spira"), 2, "publishing again is no promotion");
    SPIRA_CLEANUP(spira_free_at)
    char *versions = history(&registry, "spira");
    cr_assert_str_eq(versions, "1 2");
    spira_object_store_done(&registry.store);
}

Test(registry, lists_what_is_published_and_shows_the_champion)
{
    struct spira_registry registry = new_registry();
    must_publish(&registry, "spira", "one");
    must_publish(&registry, "spira", "two");
    must_publish(&registry, "spira-2", "three");
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = NULL;
    cr_assert_eq(spira_registry_list(&registry, NULL, &list, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_value_count(list), 3);
    int champions = 0;
    for (size_t i = 0; i < 3; i++)
        champions += spira_value_get_bool(spira_value_at(list, i), "champion", false);
    cr_assert_eq(champions, 2);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *one = NULL;
    cr_assert_eq(spira_registry_list(&registry, "spira", &one, &err), SPIRA_OK);
    cr_assert_eq(spira_value_count(one), 2);
    cr_assert(!spira_value_get_bool(spira_value_at(one, 0), "champion", true));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    cr_assert_eq(spira_registry_show(&registry, "spira", 0, &manifest, &err), SPIRA_OK);
    cr_assert_str_eq(spira_value_get_text(manifest, "weights", ""), "two");
    spira_object_store_done(&registry.store);
}

Test(registry, what_there_is_not_is_named)
{
    struct spira_registry registry = new_registry();
    struct spira_error err;
    struct spira_value *manifest = NULL;
    cr_assert_eq(spira_registry_show(&registry, "spira", 0, &manifest, &err), SPIRA_ENOTFOUND);
    cr_assert_str_eq(err.message, "no model 'spira' is published");
    must_publish(&registry, "spira", "one");
    cr_assert_eq(spira_registry_show(&registry, "spira", 7, &manifest, &err), SPIRA_ENOTFOUND);
    cr_assert_str_eq(err.message, "model 'spira' has no version 7");
    spira_object_store_done(&registry.store);
}

enum { CALLS_MAX = 64 };

/* Publishes "two" after "one" with every call of the store failing from call cut_at on: the process
 * died there. Then either the same model or another one is published. Says whether the first
 * attempt came through. */
static bool cut_off(size_t cut_at, bool after, const char *next)
{
    enum spira_code codes[CALLS_MAX];
    for (size_t i = 0; i < CALLS_MAX; i++)
        codes[i] = i < cut_at ? SPIRA_OK : SPIRA_EIO;
    struct spira_flaky_script script = {.codes = codes, .count = 0, .after = after};
    struct spira_registry registry = over(
        spira_object_store_flaky(spira_object_store_memory(spira_digest_openssl()), &script, 1));
    must_publish(&registry, "spira", "one");

    script.count = CALLS_MAX;
    script.played = 0;
    struct spira_error err;
    int64_t version = 0;
    enum spira_code code = publish(&registry, "spira", "two", &version, &err);
    cr_assert(code == SPIRA_OK || (code == SPIRA_EIO && version == 0));
    script.count = 0;

    int64_t again = must_publish(&registry, "spira", next);
    cr_assert_eq(champion(&registry, "spira"), again, "cut at %zu", cut_at);
    SPIRA_CLEANUP(spira_free_at)
    char *weights = weights_of(&registry, "spira", again);
    cr_assert_str_eq(weights, next);
    cr_assert_eq(must_publish(&registry, "spira", "two"),
                 strcmp(next, "two") == 0 ? 2
                 : again == 2             ? 3
                                          : 2,
                 "the model that was cut off is completed, under the number it claimed");
    cr_assert_eq(must_publish(&registry, "spira", next), again);
    spira_object_store_done(&registry.store);
    return code == SPIRA_OK;
}

Test(registry, an_attempt_cut_off_at_any_call_is_completed_by_the_next)
{
    for (int after = 0; after < 2; after++) {
        size_t cut_at = 0;
        while (!cut_off(cut_at, after, "two"))
            cr_assert_lt(++cut_at, CALLS_MAX);
        cr_assert_gt(cut_at, 6, "each put was cut off once");
        for (size_t i = 0; i < cut_at; i++)
            cut_off(i, after, "three");
    }
}

struct race {
    struct spira_registry registry;
    int64_t versions[24];
};

/* Eight models, each published three times at once. */
static void publish_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct race *race = context;
    char weights[16];
    snprintf(weights, sizeof weights, "weights %zu", index % 8);
    race->versions[index] = must_publish(&race->registry, "spira", weights);
}

Test(registry, publishers_at_the_same_time_never_share_a_number)
{
    for (int round = 0; round < 20; round++) {
        struct race race = {.registry = new_registry()};
        spira_parallel(24, 6, publish_piece, &race);
        bool taken[9] = {false};
        for (size_t i = 0; i < 8; i++) {
            cr_assert(race.versions[i] >= 1 && race.versions[i] <= 8);
            cr_assert(!taken[race.versions[i]]);
            taken[race.versions[i]] = true;
            cr_assert_eq(race.versions[i], race.versions[i + 8]);
            cr_assert_eq(race.versions[i], race.versions[i + 16]);
            SPIRA_CLEANUP(spira_free_at)
            char *weights = weights_of(&race.registry, "spira", race.versions[i]);
            cr_assert_eq(weights[8] - '0', (int)i);
        }
        SPIRA_CLEANUP(spira_free_at)
        char *versions = history(&race.registry, "spira");
        cr_assert_eq(strlen(versions), 15, "eight entries: %s", versions);
        cr_assert_eq(versions[14] - '0', champion(&race.registry, "spira"));
        spira_object_store_done(&race.registry.store);
    }
}
