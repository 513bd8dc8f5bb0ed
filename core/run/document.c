#include "core/run/document.h"

#include "core/base/file.h"

struct spira_value *spira_reference(const char *key, const char *sha256, uint64_t bytes)
{
    struct spira_value *reference = spira_value_map();
    spira_value_set_text(reference, "key", key);
    spira_value_set_text(reference, "sha256", sha256);
    spira_value_set_int(reference, "bytes", (int64_t)bytes);
    return reference;
}

enum spira_code spira_document_put(struct spira_object_store store, struct spira_digest digest,
                                   const char *key, const struct spira_value *document,
                                   struct spira_value **ret_reference, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_PRETTY);
    size_t size = strlen(text);
    enum spira_code code = spira_store_put(store, key, text, size, err);
    if (code == SPIRA_OK)
        *ret_reference = spira_reference(key, spira_digest_bytes(digest, text, size).hex, size);
    return code;
}

enum spira_code spira_document_keep(struct spira_object_store store, struct spira_digest digest,
                                    const char *folder, const struct spira_value *document,
                                    struct spira_value **ret_reference, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *key =
        spira_format("%s/%s.json", folder, spira_digest_bytes(digest, text, strlen(text)).hex);
    struct spira_error why;
    enum spira_code code = spira_document_put(store, digest, key, document, ret_reference, &why);
    if (code == SPIRA_EDETERMINISM) {
        code = spira_store_remove(store, key, &why);
        if (code == SPIRA_OK)
            code = spira_document_put(store, digest, key, document, ret_reference, &why);
    }
    if (code != SPIRA_OK)
        *err = why;
    return code;
}

enum spira_code spira_document_get(struct spira_object_store store, struct spira_digest digest,
                                   struct spira_config_source json,
                                   const struct spira_value *reference,
                                   struct spira_value **ret_document, struct spira_error *err)
{
    const char *key = spira_value_get_text(reference, "key", "");
    const char *sha256 = spira_value_get_text(reference, "sha256", "");
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_store_get(store, key, SPIRA_DOCUMENT_MAX_BYTES, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    if (strcmp(spira_digest_bytes(digest, bytes.data, bytes.size).hex, sha256) != 0)
        return spira_fail(err, SPIRA_EALTERED, "%s: the object was altered: its digest is not %s",
                          key, sha256);
    return spira_config_parse(json, key, bytes.data, bytes.size, ret_document, err);
}

static enum spira_code write_pretty(void *document, FILE *out, struct spira_error *err)
{
    (void)err;
    spira_value_write(document, SPIRA_PRETTY, out);
    return SPIRA_OK;
}

enum spira_code spira_document_write(const char *path, const struct spira_value *document,
                                     struct spira_error *err)
{
    return spira_file_write_by(path, write_pretty, (void *)(uintptr_t)document, err);
}
