#include "workers/common/child/checkpoints.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"

static const char suffix[] = ".safetensors"; /* unfinished files have another */

static bool is_finished(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > sizeof suffix - 1 &&
           strcmp(name + length - (sizeof suffix - 1), suffix) == 0;
}

/* What a file is on disk: writing it anew is another one. Zero: there is none. */
static struct spira_checkpoint_file identify(const struct spira_checkpoints *checkpoints,
                                             const char *name)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", checkpoints->folder, name);
    struct stat facts;
    if (stat(path, &facts) != 0)
        return (struct spira_checkpoint_file){0};
    return (struct spira_checkpoint_file){facts.st_ino, facts.st_mtim};
}

static struct spira_checkpoint *find(const struct spira_checkpoints *checkpoints, const char *name)
{
    for (size_t i = 0; i < checkpoints->count; i++)
        if (strcmp(checkpoints->stored[i].name, name) == 0)
            return &checkpoints->stored[i];
    return NULL;
}

static void remember(struct spira_checkpoints *checkpoints, const char *name,
                     struct spira_checkpoint_file file)
{
    struct spira_checkpoint *known = find(checkpoints, name);
    if (!known) {
        checkpoints->stored =
            spira_realloc(checkpoints->stored, checkpoints->count + 1, sizeof *checkpoints->stored);
        known = &checkpoints->stored[checkpoints->count++];
        known->name = spira_copy_text(name);
    }
    known->file = file;
}

/* One that was damaged in the store is written anew under its name. */
static bool is_stored(const struct spira_checkpoints *checkpoints, const char *name)
{
    const struct spira_checkpoint *known = find(checkpoints, name);
    struct spira_checkpoint_file file = identify(checkpoints, name);
    return known && known->file.inode == file.inode &&
           known->file.changed.tv_sec == file.changed.tv_sec &&
           known->file.changed.tv_nsec == file.changed.tv_nsec;
}

static bool note_stored(void *context, const char *key, uint64_t size)
{
    (void)size;
    struct spira_checkpoints *checkpoints = context;
    const char *name = key + strlen(checkpoints->prefix);
    if (is_finished(name) && !strchr(name, '/'))
        remember(checkpoints, name, (struct spira_checkpoint_file){0});
    return true;
}

enum spira_code spira_checkpoints_fetch(struct spira_object_store store,
                                        const struct spira_job *job, const char *outputs,
                                        struct spira_checkpoints *ret_checkpoints,
                                        struct spira_error *err)
{
    struct spira_checkpoints *checkpoints = ret_checkpoints;
    checkpoints->store = store;
    checkpoints->prefix = spira_job_object(job, "checkpoints/");
    checkpoints->folder = spira_format("%s/checkpoints", outputs);
    enum spira_code code = spira_folder_make(checkpoints->folder, err);
    if (code == SPIRA_OK)
        code = spira_store_list(store, checkpoints->prefix, note_stored, checkpoints, err);
    for (size_t i = 0; code == SPIRA_OK && i < checkpoints->count; i++) {
        const char *name = checkpoints->stored[i].name;
        SPIRA_CLEANUP(spira_free_at)
        char *key = spira_format("%s%s", checkpoints->prefix, name);
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s/%s", checkpoints->folder, name);
        struct spira_error why;
        if (spira_store_fetch(store, key, path, &why) != SPIRA_OK && why.code != SPIRA_ENOTFOUND) {
            *err = why; /* one that has gone meanwhile is none */
            code = why.code;
        }
        checkpoints->stored[i].file = identify(checkpoints, name);
    }
    return code;
}

static enum spira_code put_checkpoint(struct spira_checkpoints *checkpoints, const char *name,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%s%s", checkpoints->prefix, name);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", checkpoints->folder, name);
    struct spira_checkpoint_file file = identify(checkpoints, name);
    struct spira_error why;
    enum spira_code code = spira_store_put_file(checkpoints->store, key, path, &why);
    if (code == SPIRA_EDETERMINISM) { /* a damaged one of a former attempt */
        code = spira_store_remove(checkpoints->store, key, &why);
        if (code == SPIRA_OK)
            code = spira_store_put_file(checkpoints->store, key, path, &why);
    }
    if (code == SPIRA_ENOTFOUND) /* the computation has removed it meanwhile */
        return SPIRA_OK;
    if (code == SPIRA_OK)
        remember(checkpoints, name, file);
    else
        *err = why;
    return code;
}

static enum spira_code put_new(struct spira_checkpoints *checkpoints, struct spira_error *err)
{
    DIR *folder = opendir(checkpoints->folder);
    if (!folder)
        return spira_fail_errno(err, errno, "%s", checkpoints->folder);
    enum spira_code code = SPIRA_OK;
    for (struct dirent *entry; code == SPIRA_OK && (entry = readdir(folder));)
        if (is_finished(entry->d_name) && !is_stored(checkpoints, entry->d_name))
            code = put_checkpoint(checkpoints, entry->d_name, err);
    closedir(folder);
    return code;
}

static enum spira_code remove_at(struct spira_checkpoints *checkpoints, size_t index,
                                 struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%s%s", checkpoints->prefix, checkpoints->stored[index].name);
    enum spira_code code = spira_store_remove(checkpoints->store, key, err);
    if (code != SPIRA_OK)
        return code;
    free(checkpoints->stored[index].name);
    checkpoints->stored[index] = checkpoints->stored[--checkpoints->count];
    return SPIRA_OK;
}

enum spira_code spira_checkpoints_upload(struct spira_checkpoints *checkpoints,
                                         struct spira_error *err)
{
    if (!checkpoints->folder)
        return SPIRA_OK;
    enum spira_code code = put_new(checkpoints, err);
    for (size_t i = checkpoints->count; code == SPIRA_OK && i-- > 0;) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s/%s", checkpoints->folder, checkpoints->stored[i].name);
        if (access(path, F_OK) != 0)
            code = remove_at(checkpoints, i, err);
    }
    return code;
}

enum spira_code spira_checkpoints_remove(struct spira_checkpoints *checkpoints,
                                         struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    while (code == SPIRA_OK && checkpoints->count > 0)
        code = remove_at(checkpoints, checkpoints->count - 1, err);
    return code;
}

void spira_checkpoints_done(struct spira_checkpoints *checkpoints)
{
    for (size_t i = 0; i < checkpoints->count; i++)
        free(checkpoints->stored[i].name);
    free(checkpoints->stored);
    free(checkpoints->prefix);
    free(checkpoints->folder);
    *checkpoints = (struct spira_checkpoints){0};
}
