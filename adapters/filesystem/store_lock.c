#include "adapters/filesystem/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "core/base/file.h"

enum spira_code spira_filesystem_lock(const char *root, bool wait, int *ret_fd,
                                      struct spira_error *err)
{
    enum spira_code code = spira_folder_make(root, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/.lock", root);
    SPIRA_CLEANUP(spira_close_at)
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return spira_fail_errno(err, errno, "%s", path);
    if (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? spira_fail(err, SPIRA_ECONFLICT, "%s: another process holds the lock", path)
                   : spira_fail_errno(err, errno, "%s", path);
    *ret_fd = fd;
    fd = -1;
    return SPIRA_OK;
}
