#include "core/publish/registry.h"

#include "core/publish/model_card.h"
#include "core/publish/registry_history.h"

enum { DOCUMENT_MAX_BYTES = 1 << 24 };

#define MODEL_FILE "model.safetensors"
#define ONNX_FILE "model.onnx"
#define CARD_FILE "README.md"
#define MANIFEST_FILE "model.json"

char *spira_registry_key(const char *model, int64_t version, const char *file)
{
    return spira_format("registry/%s/versions/%06jd/%s", model, (intmax_t)version, file);
}

enum spira_code spira_registry_read(const struct spira_registry *registry, const char *key,
                                    struct spira_value **ret_document,
                                    struct spira_sha256 *ret_sha256, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_store_get(registry->store, key, DOCUMENT_MAX_BYTES, &bytes, err);
    if (code != SPIRA_OK)
        return code;
    code = spira_config_parse(registry->json, key, bytes.data, bytes.size, ret_document, err);
    if (code == SPIRA_OK && ret_sha256)
        *ret_sha256 = spira_digest_bytes(registry->digest, bytes.data, bytes.size);
    return code;
}

/* The versions of a listing, each once, in their order; a version is published when its manifest is
 * there. */
struct versions {
    struct version {
        char *model;
        int64_t number;
        bool published;
    } * items;
    size_t count;
};

static void versions_done(struct versions *versions)
{
    for (size_t i = 0; i < versions->count; i++)
        free(versions->items[i].model);
    free(versions->items);
}

/* A key's model, version and file, when it is one of a version. */
static bool add_key(void *context, const char *key, uint64_t size)
{
    (void)size;
    struct versions *versions = context;
    static const char folder[] = "registry/";
    const char *model = key + strlen(folder);
    size_t length = strcspn(model, "/");
    intmax_t number;
    int file_at = 0;
    if (sscanf(model + length, "/versions/%jd/%n", &number, &file_at) != 1 || !file_at)
        return true;
    struct version *last = versions->count ? &versions->items[versions->count - 1] : NULL;
    if (!last || last->number != number || strlen(last->model) != length ||
        strncmp(last->model, model, length) != 0) {
        versions->items =
            spira_realloc(versions->items, versions->count + 1, sizeof *versions->items);
        last = &versions->items[versions->count++];
        *last = (struct version){spira_format("%.*s", (int)length, model), number, false};
    }
    last->published |= strcmp(model + length + file_at, MANIFEST_FILE) == 0;
    return true;
}

/* Gives the versions of a model, or of all (NULL). */
static enum spira_code list_versions(const struct spira_registry *registry, const char *model,
                                     struct versions *ret_versions, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *prefix = model ? spira_format("registry/%s/versions/", model) : spira_format("registry/");
    return spira_store_list(registry->store, prefix, add_key, ret_versions, err);
}

static enum spira_code read_manifest(const struct spira_registry *registry, const char *model,
                                     int64_t version, struct spira_value **ret_manifest,
                                     struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_registry_key(model, version, MANIFEST_FILE);
    return spira_registry_read(registry, key, ret_manifest, NULL, err);
}

static bool has_digest(const struct spira_value *manifest, const char *sha256)
{
    const struct spira_value *published = spira_value_get(manifest, "published");
    return strcmp(spira_value_get_text(published, "sha256", ""), sha256) == 0;
}

/* Puts the weights under a version's key; ret_ours says whether it is now this model's number. */
static enum spira_code claim(const struct spira_registry *registry,
                             const struct spira_publication *publication, int64_t version,
                             bool *ret_ours, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_registry_key(publication->model, version, MODEL_FILE);
    struct spira_error why;
    enum spira_code code = spira_store_put_file(registry->store, key, publication->path, &why);
    if (code == SPIRA_OK || code == SPIRA_EDETERMINISM) {
        *ret_ours = code == SPIRA_OK; /* other bytes there: another model's number */
        return SPIRA_OK;
    }
    *err = why;
    return code;
}

/* Finds the version that has this model, published or only claimed, or claims the next number. The
 * numbers are tried from the lowest: whoever publishes the same model at the same time finds the
 * number the other one claimed before any that is free. */
static enum spira_code find_or_claim(const struct spira_registry *registry,
                                     const struct spira_publication *publication,
                                     int64_t *ret_version, bool *ret_published,
                                     struct spira_error *err)
{
    SPIRA_CLEANUP(versions_done)
    struct versions versions = {0};
    enum spira_code code = list_versions(registry, publication->model, &versions, err);
    bool ours = false;
    int64_t number = 0;
    for (size_t i = 0; code == SPIRA_OK && !ours && i < versions.count; i++) {
        number = versions.items[i].number;
        *ret_published = versions.items[i].published;
        if (!versions.items[i].published) {
            code = claim(registry, publication, number, &ours, err);
            continue;
        }
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *manifest = NULL;
        code = read_manifest(registry, publication->model, number, &manifest, err);
        ours = code == SPIRA_OK && has_digest(manifest, publication->sha256);
    }
    while (code == SPIRA_OK && !ours) {
        *ret_published = false;
        code = claim(registry, publication, ++number, &ours, err);
    }
    if (code == SPIRA_OK)
        *ret_version = number;
    return code;
}

static struct spira_value *make_manifest(const struct spira_publication *publication,
                                         int64_t version)
{
    struct spira_value *manifest = spira_value_copy(publication->facts);
    struct spira_value *published = spira_value_set(manifest, "published", spira_value_map());
    spira_value_set_text(published, "model", publication->model);
    spira_value_set_int(published, "version", version);
    spira_value_set_text(published, "sha256", publication->sha256);
    spira_value_set_text(published, "onnx_sha256", publication->onnx_sha256);
    return manifest;
}

/* What became of a put; what another publisher of the same model put first stays. */
static enum spira_code first_stays(enum spira_code code, const struct spira_error *why,
                                   struct spira_error *err)
{
    if (code == SPIRA_OK || code == SPIRA_EDETERMINISM)
        return SPIRA_OK;
    *err = *why;
    return code;
}

static enum spira_code put_text(const struct spira_registry *registry, const char *key,
                                const char *text, struct spira_error *err)
{
    struct spira_error why;
    return first_stays(spira_store_put(registry->store, key, text, strlen(text), &why), &why, err);
}

static enum spira_code put_onnx(const struct spira_registry *registry,
                                const struct spira_publication *publication, int64_t version,
                                struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_registry_key(publication->model, version, ONNX_FILE);
    struct spira_error why;
    return first_stays(spira_store_put_file(registry->store, key, publication->onnx_path, &why),
                       &why, err);
}

static enum spira_code complete(const struct spira_registry *registry,
                                const struct spira_publication *publication, int64_t version,
                                struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = make_manifest(publication, version);
    SPIRA_CLEANUP(spira_free_at)
    char *card = spira_model_card(manifest);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(manifest, SPIRA_PRETTY);
    SPIRA_CLEANUP(spira_free_at)
    char *card_key = spira_registry_key(publication->model, version, CARD_FILE);
    SPIRA_CLEANUP(spira_free_at)
    char *manifest_key = spira_registry_key(publication->model, version, MANIFEST_FILE);
    enum spira_code code = put_onnx(registry, publication, version, err);
    if (code == SPIRA_OK)
        code = put_text(registry, card_key, card, err);
    return code == SPIRA_OK ? put_text(registry, manifest_key, text, err) : code;
}

enum spira_code spira_registry_publish(const struct spira_registry *registry,
                                       const struct spira_publication *publication,
                                       int64_t *ret_version, struct spira_error *err)
{
    int64_t version = 0;
    bool published = false;
    enum spira_code code = find_or_claim(registry, publication, &version, &published, err);
    if (code == SPIRA_OK && !published)
        code = complete(registry, publication, version, err);
    if (code == SPIRA_OK)
        code =
            spira_history_publish(registry, publication->model, version, publication->sha256, err);
    if (code == SPIRA_OK)
        *ret_version = version;
    return code;
}

/* Adds "champion" to each manifest of the list; a model's manifests follow one another. */
static enum spira_code mark_champions(const struct spira_registry *registry,
                                      struct spira_value *list, struct spira_error *err)
{
    const char *model = "";
    int64_t champion = 0;
    for (size_t i = 0; i < spira_value_count(list); i++) {
        struct spira_value *manifest = spira_value_at(list, i);
        const struct spira_value *published = spira_value_get(manifest, "published");
        const char *name = spira_value_get_text(published, "model", "");
        if (strcmp(name, model) != 0) {
            struct spira_error why;
            enum spira_code code = spira_registry_champion(registry, name, &champion, &why);
            if (code == SPIRA_ENOTFOUND) {
                champion = 0; /* published, but cut off before it became the champion */
            } else if (code != SPIRA_OK) {
                *err = why;
                return code;
            }
            model = name;
        }
        spira_value_set_bool(manifest, "champion",
                             spira_value_get_int(published, "version", -1) == champion);
    }
    return SPIRA_OK;
}

enum spira_code spira_registry_list(const struct spira_registry *registry, const char *model,
                                    struct spira_value **ret_list, struct spira_error *err)
{
    SPIRA_CLEANUP(versions_done)
    struct versions versions = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = spira_value_list();
    enum spira_code code = list_versions(registry, model, &versions, err);
    for (size_t i = 0; code == SPIRA_OK && i < versions.count; i++) {
        struct spira_value *manifest = NULL;
        if (!versions.items[i].published)
            continue;
        code = read_manifest(registry, versions.items[i].model, versions.items[i].number, &manifest,
                             err);
        if (code == SPIRA_OK)
            spira_value_append(list, manifest);
    }
    if (code == SPIRA_OK)
        code = mark_champions(registry, list, err);
    if (code == SPIRA_OK) {
        *ret_list = list;
        list = NULL;
    }
    return code;
}

enum spira_code spira_registry_show(const struct spira_registry *registry, const char *model,
                                    int64_t version, struct spira_value **ret_manifest,
                                    struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    if (version == 0)
        code = spira_registry_champion(registry, model, &version, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_error why;
    code = read_manifest(registry, model, version, ret_manifest, &why);
    if (code == SPIRA_ENOTFOUND)
        return spira_fail(err, code, "model '%s' has no version %jd", model, (intmax_t)version);
    if (code != SPIRA_OK)
        *err = why;
    return code;
}
