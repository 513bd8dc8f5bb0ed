#include "workers/audio_intake/inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(const char *folder, const char *uri)
{
    SPIRA_CLEANUP(spira_close_at)
    int top = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return -1;
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, top, uri, &how, sizeof how);
}

static enum spira_code copy(int from, const char *uri, uint64_t max_bytes, const char *path,
                            struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0)
        return spira_fail_errno(err, errno, "%s", path);
    for (uint64_t total = 0;;) {
        ssize_t copied = copy_file_range(from, NULL, to, NULL, 1 << 20, 0);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied < 0)
            return spira_fail_errno(err, errno, "copy of %s", uri);
        if (copied == 0)
            return SPIRA_OK;
        total += (uint64_t)copied;
        if (total > max_bytes)
            return spira_fail(err, SPIRA_ETOOBIG, "%s: more than the %ju bytes allowed", uri,
                              (uintmax_t)max_bytes);
    }
}

enum spira_code spira_inbox_copy(const char *inbox, const char *uri, uint64_t max_bytes,
                                 const char *path, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int from = open_beneath(inbox, uri);
    if (from < 0 && (errno == EXDEV || errno == ELOOP))
        return spira_fail(err, SPIRA_EINVALID, "%s: leads out of the inbox", uri);
    if (from < 0 && errno == ENOTDIR)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: a part of the path is no folder", uri);
    if (from < 0)
        return spira_fail_errno(err, errno, "%s", uri);
    struct stat facts;
    if (fstat(from, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", uri);
    if (!S_ISREG(facts.st_mode))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", uri);
    if ((uintmax_t)facts.st_size > max_bytes)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: %jd bytes, more than the %ju allowed", uri,
                          (intmax_t)facts.st_size, (uintmax_t)max_bytes);
    return copy(from, uri, max_bytes, path, err);
}
