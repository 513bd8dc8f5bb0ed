#include "cli/audio_prepare.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/audio/inspect.h"
#include "schemas/schema.h"

/* Checks a file's kind and size, and whether it may be read. */
static enum spira_code check_file(const char *path, struct spira_error *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(facts.st_mode))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", path);
    if ((uint64_t)facts.st_size > SPIRA_AUDIO_MAX_BYTES)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: %jd bytes, more than the %ju allowed", path,
                          (intmax_t)facts.st_size, (uintmax_t)SPIRA_AUDIO_MAX_BYTES);
    if (access(path, R_OK) != 0)
        return spira_fail(err, SPIRA_EUNSUPPORTED, "%s: no permission to read it", path);
    return SPIRA_OK;
}

/* Gives the file that a row names. */
static enum spira_code find_below(const char *root, const char *uri, char **ret_path,
                                  struct spira_error *err)
{
    if (uri[0] == '/')
        return spira_fail(err, SPIRA_EINVALID, "%s: leads out of %s", uri, root);
    SPIRA_CLEANUP(spira_free_at)
    char *folder = realpath(root, NULL);
    if (!folder)
        return spira_fail_errno(err, errno, "%s", root);
    SPIRA_CLEANUP(spira_free_at)
    char *joined = spira_format("%s/%s", root, uri);
    SPIRA_CLEANUP(spira_free_at)
    char *path = realpath(joined, NULL);
    if (!path)
        return spira_fail_errno(err, errno, "%s", joined);
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(path, folder, length) != 0 || path[length] != '/')
        return spira_fail(err, SPIRA_EINVALID, "%s: leads out of %s", uri, root);
    *ret_path = path;
    path = NULL;
    return SPIRA_OK;
}

/* Puts the file into the inbox and says in the event where and what it is. */
static enum spira_code offer(const struct spira_worker *worker, struct spira_value *event,
                             const char *path, struct spira_error *err)
{
    struct spira_sha256 sha256;
    uint64_t size;
    SPIRA_CLEANUP(spira_free_at)
    char *uri = NULL;
    enum spira_code code = spira_digest_file(worker->tools.digest, path, &sha256, &size, err);
    if (code == SPIRA_OK)
        code = spira_inbox_offer(worker->inbox, path, &sha256, &uri, err);
    if (code != SPIRA_OK)
        return code;
    spira_value_set_text(event, "uri", uri);
    spira_value_set_text(event, "sha256", sha256.hex);
    spira_value_set_int(event, "bytes", (int64_t)size);
    /* A path may be longer than an event's may. */
    if (spira_schema_check(spira_schema_find("audio.collected"), event, err) != SPIRA_OK)
        return spira_fail_within(err, "%s", path);
    return SPIRA_OK;
}

static enum spira_code prepare_row(const struct spira_audio_prepare *prepare,
                                   struct spira_value *event, struct spira_value *absent,
                                   struct spira_error *err)
{
    const char *uri = spira_value_get_text(event, "uri", "");
    SPIRA_CLEANUP(spira_free_at)
    char *path = NULL;
    struct spira_error why;
    enum spira_code code = find_below(prepare->root, uri, &path, &why);
    if (code == SPIRA_OK)
        code = check_file(path, &why);
    if (code == SPIRA_OK)
        return offer(prepare->worker, event, path, err);
    struct spira_value *note = spira_value_append(absent, spira_value_map());
    spira_value_set_text(note, "recording_id", spira_value_get_text(event, "recording_id", ""));
    spira_value_set_text(note, "message", why.message);
    /* Not the row's own path: the inbox might have something else there. */
    SPIRA_CLEANUP(spira_free_at)
    char *nothing = spira_format("added/missing/%s", uri);
    spira_value_set_text(event, "uri", nothing);
    return SPIRA_OK;
}

static enum spira_code prepare_file(const struct spira_audio_prepare *prepare,
                                    struct spira_value *event, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_copy_text(spira_value_get_text(event, "uri", ""));
    enum spira_code code = check_file(path, err);
    return code == SPIRA_OK ? offer(prepare->worker, event, path, err) : code;
}

enum spira_code spira_audio_prepare(const struct spira_audio_prepare *prepare,
                                    struct spira_value **ret_absent, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *absent = spira_value_list();
    const size_t rows = spira_value_count(prepare->rows);
    struct spira_progress_report report = {
        .total = rows + spira_value_count(prepare->files), .loss = NAN, .validation_loss = NAN};
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < report.total; i++) {
        spira_progress_report(prepare->progress, &report);
        if (spira_progress_stop_wanted(prepare->progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped before anything was sent");
        code = i < rows ? prepare_row(prepare, spira_value_at(prepare->rows, i), absent, err)
                        : prepare_file(prepare, spira_value_at(prepare->files, i - rows), err);
        report.done = i + 1;
    }
    if (code != SPIRA_OK)
        return code;
    spira_progress_report(prepare->progress, &report);
    *ret_absent = absent;
    absent = NULL;
    return SPIRA_OK;
}
