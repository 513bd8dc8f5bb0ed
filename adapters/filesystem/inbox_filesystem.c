#include "adapters/filesystem/inbox_filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adapters/filesystem/store_file.h"

struct inbox {
    int folder;
};

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

static void close_inbox(void *self)
{
    struct inbox *inbox = self;
    close(inbox->folder);
    free(inbox);
}

enum spira_code spira_inbox_filesystem(const char *folder, struct spira_inbox *ret_inbox,
                                       struct spira_error *err)
{
    static const struct spira_inbox_ops ops = {.fetch = fetch, .close = close_inbox};
    int opened = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return spira_fail_errno(err, errno, "%s", folder);
    struct inbox *inbox = spira_alloc(1, sizeof *inbox);
    inbox->folder = opened;
    *ret_inbox = (struct spira_inbox){.ops = &ops, .self = inbox};
    return SPIRA_OK;
}
