#include <criterion/criterion.h>
#include <unistd.h>

#include "adapters/json/json_config.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/openssl/openssl_digest.h"
#include "core/base/file.h"
#include "core/run/document.h"

static struct spira_object_store store;
static struct spira_value *document;

static void setup(void)
{
    store = spira_object_store_memory(spira_digest_openssl());
    document = spira_value_map();
    spira_value_set_int(document, "format", 1);
    spira_value_set_real(document, "share", 0.1);
    spira_value_set_text(document, "name", "frase à noite");
}

static void teardown(void)
{
    spira_value_free(document);
    spira_object_store_done(&store);
}

TestSuite(document, .init = setup, .fini = teardown);

static struct spira_value *put(const char *key)
{
    struct spira_error err = {0};
    struct spira_value *reference = NULL;
    cr_assert_eq(spira_document_put(store, spira_digest_openssl(), key, document, &reference, &err),
                 SPIRA_OK, "%s", err.message);
    return reference;
}

static enum spira_code get(const struct spira_value *reference, struct spira_value **ret_document,
                           struct spira_error *err)
{
    return spira_document_get(store, spira_digest_openssl(), spira_config_source_json(), reference,
                              ret_document, err);
}

Test(document, is_got_back_by_its_reference)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = put("runs/a/manifest.json");
    cr_assert_str_eq(spira_value_get_text(reference, "key", ""), "runs/a/manifest.json");
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_PRETTY);
    cr_assert_eq(spira_value_get_int(reference, "bytes", 0), (int64_t)strlen(text));
    cr_assert_str_eq(spira_value_get_text(reference, "sha256", ""),
                     spira_digest_bytes(spira_digest_openssl(), text, strlen(text)).hex);
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *found = NULL;
    cr_assert_eq(get(reference, &found, &err), SPIRA_OK, "%s", err.message);
    cr_assert(spira_value_equal(found, document));
}

Test(document, the_same_again_is_the_same_reference_and_another_is_an_alarm)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *first = put("corpus/c.json");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *second = put("corpus/c.json");
    cr_assert(spira_value_equal(first, second));
    spira_value_set_int(document, "format", 2);
    struct spira_error err;
    struct spira_value *third = NULL;
    cr_assert_eq(
        spira_document_put(store, spira_digest_openssl(), "corpus/c.json", document, &third, &err),
        SPIRA_EDETERMINISM);
    cr_assert_null(third);
}

Test(document, an_altered_or_missing_one_is_not_believed)
{
    struct spira_error err;
    struct spira_value *found = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = put("corpus/c.json");
    cr_assert_eq(spira_store_remove(store, "corpus/c.json", &err), SPIRA_OK);
    cr_assert_eq(get(reference, &found, &err), SPIRA_ENOTFOUND);
    cr_assert_eq(spira_store_put(store, "corpus/c.json", "{}", 2, &err), SPIRA_OK);
    cr_assert_eq(get(reference, &found, &err), SPIRA_EALTERED);
    cr_assert(strstr(err.message, "corpus/c.json"), "%s", err.message);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *no_json =
        spira_reference("text", spira_digest_bytes(spira_digest_openssl(), "no", 2).hex, 2);
    cr_assert_eq(spira_store_put(store, "text", "no", 2, &err), SPIRA_OK);
    cr_assert_eq(get(no_json, &found, &err), SPIRA_EINVALID);
    cr_assert_null(found);
}

Test(document, a_local_one_is_the_same_text)
{
    char path[] = "/tmp/spira-test-document-XXXXXX";
    close(mkstemp(path));
    struct spira_error err = {0};
    cr_assert_eq(spira_document_write(path, document, &err), SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 1000, &bytes, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_PRETTY);
    cr_assert_eq(bytes.size, strlen(text));
    cr_assert_arr_eq(bytes.data, text, bytes.size);
    cr_assert_eq(unlink(path), 0);
    cr_assert_neq(spira_document_write("/nowhere/at/all.json", document, &err), SPIRA_OK);
}

static struct spira_value *keep(void)
{
    struct spira_error err = {0};
    struct spira_value *reference = NULL;
    cr_assert_eq(
        spira_document_keep(store, spira_digest_openssl(), "members", document, &reference, &err),
        SPIRA_OK, "%s", err.message);
    return reference;
}

Test(document, one_that_is_kept_has_the_digest_of_what_it_says_for_a_name)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = keep();
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("members/%s.json",
                             spira_digest_bytes(spira_digest_openssl(), text, strlen(text)).hex);
    cr_assert_str_eq(spira_value_get_text(reference, "key", ""), key);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *again = keep();
    cr_assert(spira_value_equal(again, reference));
}

Test(document, one_that_is_kept_replaces_what_was_altered)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = keep();
    const char *key = spira_value_get_text(reference, "key", "");
    struct spira_error err = {0};
    cr_assert_eq(spira_store_remove(store, key, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(store, key, "{}", 2, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *again = keep();
    cr_assert(spira_value_equal(again, reference));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *found = NULL;
    cr_assert_eq(get(reference, &found, &err), SPIRA_OK, "%s", err.message);
    cr_assert(spira_value_equal(found, document));
}
