#include "adapters/filesystem/inbox_filesystem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adapters/filesystem/store_file.h"

struct inbox {
    int folder;
    char *path; /* of the folder, without links */
};

/* Where the copies of offered files are. */
static const char added_name[] = "added";

enum { EXTENSION_MAX = 8 };

/* O_NONBLOCK: opening a pipe must not wait for its writer. */
static int open_beneath(int folder, const char *uri)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int file;
    do /* EAGAIN: something was renamed on the way, and the kernel cannot say whether it leads out
        */
        file = (int)syscall(SYS_openat2, folder, uri, &how, sizeof how);
    while (file < 0 && (errno == EAGAIN || errno == EINTR));
    return file;
}

static enum spira_code too_big(const char *uri, const struct stat *facts, uint64_t max_bytes,
                               struct spira_error *err)
{
    return spira_fail(err, SPIRA_ETOOBIG, "%s: %jd bytes, more than the %ju allowed", uri,
                      (intmax_t)facts->st_size, (uintmax_t)max_bytes);
}

static enum spira_code check(int file, const char *uri, uint64_t max_bytes, struct spira_error *err)
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", uri);
    if (!S_ISREG(facts.st_mode))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", uri);
    return (uintmax_t)facts.st_size > max_bytes ? too_big(uri, &facts, max_bytes, err) : SPIRA_OK;
}

/* The file may have grown since it was checked. */
static enum spira_code copy(int from, int to, const char *uri, uint64_t max_bytes,
                            struct spira_error *err)
{
    struct stat facts;
    if (spira_store_file_copy(from, to) != 0 || fstat(to, &facts) != 0)
        return spira_fail_errno(err, errno, "copy of %s", uri);
    return (uintmax_t)facts.st_size > max_bytes ? too_big(uri, &facts, max_bytes, err) : SPIRA_OK;
}

static enum spira_code fetch(void *self, const char *uri, uint64_t max_bytes, const char *path,
                             struct spira_error *err)
{
    const struct inbox *inbox = self;
    SPIRA_CLEANUP(spira_close_at)
    int from = open_beneath(inbox->folder, uri);
    if (from < 0 && (errno == EXDEV || errno == ELOOP))
        return spira_fail(err, SPIRA_EINVALID, "%s: leads out of the inbox", uri);
    if (from < 0 && (errno == ENXIO || errno == ENODEV))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", uri);
    if (from < 0 && (errno == ENOTDIR || errno == ENAMETOOLONG || errno == EINVAL))
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: there can be no such file", uri);
    if (from < 0 && errno == EACCES)
        return spira_fail(err, SPIRA_EUNSUPPORTED, "%s: no permission to read it", uri);
    if (from < 0)
        return spira_fail_errno(err, errno, "%s", uri);
    enum spira_code code = check(from, uri, max_bytes, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_close_at)
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0)
        return spira_fail_errno(err, errno, "%s", path);
    code = copy(from, to, uri, max_bytes, err);
    if (code != SPIRA_OK)
        unlink(path);
    return code;
}

/* What of path lies below the inbox, or NULL. Both are without links. */
static const char *below(const struct inbox *inbox, const char *path)
{
    size_t length = strlen(inbox->path);
    if (length > 0 && inbox->path[length - 1] == '/')
        length--; /* the root folder */
    return strncmp(path, inbox->path, length) == 0 && path[length] == '/' ? path + length + 1
                                                                          : NULL;
}

/* Gives the name of a copy: its digest, and for people the extension of the original. */
static char *name_of_copy(const char *path, const struct spira_sha256 *sha256)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    size_t length = dot ? strlen(dot + 1) : 0;
    bool plain = length >= 1 && length <= EXTENSION_MAX;
    for (size_t i = 0; plain && i < length; i++)
        plain = isalnum((unsigned char)dot[1 + i]) && (unsigned char)dot[1 + i] < 0x80;
    return spira_format("%s%s", sha256->hex, plain ? dot : "");
}

/* Whether folder has the same bytes under this name already; -1 with errno. */
static int holds(int folder, const char *name, int source)
{
    SPIRA_CLEANUP(spira_close_at)
    int there = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (there < 0)
        return errno == ENOENT ? 0 : -1;
    return spira_store_file_same(there, source);
}

/* The file whole under its name, or nothing. */
static int put_copy(int folder, const char *name, int source)
{
    int same = holds(folder, name, source);
    if (same)
        return same > 0 ? 0 : -1;
    SPIRA_CLEANUP(spira_store_file_done)
    struct store_temporary temporary = {.fd = -1};
    if (spira_store_file_begin(folder, true, &temporary) != 0 ||
        spira_store_file_copy(source, temporary.fd) != 0)
        return -1;
    return spira_store_file_replace(&temporary, name);
}

static enum spira_code offer(void *self, const char *path, const struct spira_sha256 *sha256,
                             char **ret_uri, struct spira_error *err)
{
    const struct inbox *inbox = self;
    SPIRA_CLEANUP(spira_free_at)
    char *resolved = realpath(path, NULL);
    SPIRA_CLEANUP(spira_close_at)
    int source = resolved ? open(resolved, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    if (source < 0)
        return spira_fail_errno(err, errno, "%s", path);
    enum spira_code code = check(source, path, UINT64_MAX, err);
    if (code != SPIRA_OK)
        return code;
    if (below(inbox, resolved)) {
        *ret_uri = spira_copy_text(below(inbox, resolved));
        return SPIRA_OK;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *name = name_of_copy(path, sha256);
    SPIRA_CLEANUP(spira_close_at)
    int folder = -1;
    if (mkdirat(inbox->folder, added_name, 0777) == 0 || errno == EEXIST)
        folder = openat(inbox->folder, added_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0 || put_copy(folder, name, source) != 0)
        return spira_fail_errno(err, errno, "copy of %s into inbox %s", path, inbox->path);
    *ret_uri = spira_format("%s/%s", added_name, name);
    return SPIRA_OK;
}

static void close_inbox(void *self)
{
    struct inbox *inbox = self;
    free(inbox->path);
    close(inbox->folder);
    free(inbox);
}

enum spira_code spira_inbox_filesystem(const char *folder, struct spira_inbox *ret_inbox,
                                       struct spira_error *err)
{
    static const struct spira_inbox_ops ops = {
        .fetch = fetch, .offer = offer, .close = close_inbox};
    SPIRA_CLEANUP(spira_free_at)
    char *path = realpath(folder, NULL);
    if (!path)
        return spira_fail_errno(err, errno, "%s", folder);
    int opened = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return spira_fail_errno(err, errno, "%s", folder);
    struct inbox *inbox = spira_alloc(1, sizeof *inbox);
    inbox->folder = opened;
    inbox->path = path;
    path = NULL;
    *ret_inbox = (struct spira_inbox){.ops = &ops, .self = inbox};
    return SPIRA_OK;
}
