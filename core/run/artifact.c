#include "core/run/artifact.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"

static const char manifest_name[] = "artifact.json";
static const char digest_name[] = "digest";

/* What the artifact says of itself: a flipped digit in its result would be no less JSON. */
static struct spira_sha256 digest_of(const struct spira_artifacts *artifacts,
                                     const struct spira_value *artifact)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rest = spira_value_copy(artifact);
    spira_value_remove(rest, digest_name);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(rest, SPIRA_CANONICAL);
    return spira_digest_bytes(artifacts->digest, text, strlen(text));
}

/* Gives the artifact that these bytes say, or NULL when they were altered. */
static struct spira_value *parse(const struct spira_artifacts *artifacts, const char *key,
                                 const struct spira_bytes *bytes)
{
    struct spira_value *artifact = NULL;
    struct spira_error unreadable;
    if (spira_config_parse(artifacts->json, key, bytes->data, bytes->size, &artifact,
                           &unreadable) != SPIRA_OK)
        return NULL;
    if (spira_value_type(artifact) == SPIRA_MAP &&
        spira_value_get_int(artifact, "format", 0) == 1 &&
        strcmp(spira_value_get_text(artifact, digest_name, ""),
               digest_of(artifacts, artifact).hex) == 0)
        return artifact;
    spira_value_free(artifact);
    return NULL;
}

/* Whether the object is there with its digest; an altered one is removed. */
static enum spira_code check_object(const struct spira_artifacts *artifacts,
                                    const struct spira_value *file, const char *folder,
                                    bool *ret_whole, struct spira_error *err)
{
    const char *key = spira_value_get_text(file, "key", "");
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/checked", folder);
    *ret_whole = false;
    enum spira_code code = spira_store_fetch(artifacts->store, key, path, err);
    if (code == SPIRA_ENOTFOUND || code == SPIRA_EINVALID)
        return SPIRA_OK;
    if (code != SPIRA_OK)
        return code;
    struct spira_sha256 found = {""};
    code = spira_digest_file(artifacts->digest, path, &found, NULL, err);
    unlink(path);
    if (code != SPIRA_OK)
        return code;
    *ret_whole = strcmp(found.hex, spira_value_get_text(file, "sha256", "")) == 0;
    return *ret_whole ? SPIRA_OK : spira_store_remove(artifacts->store, key, err);
}

enum spira_code spira_artifact_find(const struct spira_artifacts *artifacts,
                                    const struct spira_job *job, const char *folder,
                                    struct spira_value **ret_artifact,
                                    struct spira_value **ret_reference, struct spira_error *err)
{
    *ret_artifact = *ret_reference = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(job, manifest_name);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code =
        spira_store_get(artifacts->store, key, SPIRA_DOCUMENT_MAX_BYTES, &bytes, err);
    if (code == SPIRA_ENOTFOUND)
        return SPIRA_OK;
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = parse(artifacts, key, &bytes);
    bool whole = artifact != NULL;
    /* Every object, after one that was altered too: each of those has to go. */
    const struct spira_value *files = spira_value_get(artifact, "files");
    for (size_t i = 0; i < spira_value_count(files); i++) {
        bool object_whole = false;
        code = check_object(artifacts, spira_value_at(files, i), folder, &object_whole, err);
        if (code != SPIRA_OK)
            return code;
        whole = whole && object_whole;
    }
    if (!whole)
        return spira_store_remove(artifacts->store, key, err);
    *ret_reference = spira_reference(
        key, spira_digest_bytes(artifacts->digest, bytes.data, bytes.size).hex, bytes.size);
    *ret_artifact = artifact;
    artifact = NULL;
    return SPIRA_OK;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Stores path under key when it is a regular file. */
static enum spira_code put_output(const struct spira_artifacts *artifacts, const char *path,
                                  const char *key, struct spira_value *files,
                                  struct spira_error *err)
{
    struct stat facts;
    if (lstat(path, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(facts.st_mode))
        return SPIRA_OK;
    struct spira_sha256 sha256;
    uint64_t size;
    enum spira_code code = spira_digest_file(artifacts->digest, path, &sha256, &size, err);
    if (code == SPIRA_OK)
        code = spira_store_put_file(artifacts->store, key, path, err);
    if (code == SPIRA_OK)
        spira_value_append(files, spira_reference(key, sha256.hex, size));
    return code;
}

static enum spira_code put_outputs(const struct spira_artifacts *artifacts,
                                   const struct spira_job *job, const char *folder,
                                   spira_object_key *key_of, const struct spira_value *result,
                                   struct spira_value *files, struct spira_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_visible, by_name);
    if (count < 0)
        return spira_fail_errno(err, errno, "%s", folder);
    enum spira_code code = SPIRA_OK;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s/%s", folder, name);
        SPIRA_CLEANUP(spira_free_at)
        char *key = key_of ? key_of(job, name, result) : spira_job_object(job, name);
        if (code == SPIRA_OK)
            code = put_output(artifacts, path, key, files, err);
        free(entries[i]);
    }
    free(entries);
    return code;
}

enum spira_code spira_artifact_put(const struct spira_artifacts *artifacts,
                                   const struct spira_job *job, const char *folder,
                                   spira_object_key *key_of, struct spira_value *result,
                                   struct spira_value **ret_artifact,
                                   struct spira_value **ret_reference, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = spira_value_map();
    spira_value_set_int(artifact, "format", 1);
    spira_value_set_text(artifact, "step", job->step);
    spira_value_set_int(artifact, "version", job->version);
    struct spira_value *files = spira_value_set(artifact, "files", spira_value_list());
    spira_value_set(artifact, "result", result);
    enum spira_code code = put_outputs(artifacts, job, folder, key_of, result, files, err);
    if (code != SPIRA_OK)
        return code;
    spira_value_set_text(artifact, digest_name, digest_of(artifacts, artifact).hex);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(job, manifest_name);
    code =
        spira_document_put(artifacts->store, artifacts->digest, key, artifact, ret_reference, err);
    if (code != SPIRA_OK)
        return code;
    *ret_artifact = artifact;
    artifact = NULL;
    return SPIRA_OK;
}

const struct spira_value *spira_artifact_file(const struct spira_value *artifact, const char *name)
{
    const struct spira_value *files = spira_value_get(artifact, "files");
    for (size_t i = 0; i < spira_value_count(files); i++) {
        const struct spira_value *file = spira_value_at(files, i);
        const char *slash = strrchr(spira_value_get_text(file, "key", ""), '/');
        if (slash && strcmp(slash + 1, name) == 0)
            return file;
    }
    return NULL;
}
