#include "core/base/file_view.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum spira_code spira_file_view_open(const char *path, size_t offset, size_t size,
                                     struct spira_file_view *ret_view, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", path);
    size_t file_size = (size_t)facts.st_size;
    if (!S_ISREG(facts.st_mode) || offset > file_size || size > file_size - offset)
        return spira_fail(err, SPIRA_EIO, "%s: has %zu bytes; %zu from %zu on are wanted", path,
                          file_size, size, offset);
    size_t skipped = offset % (size_t)sysconf(_SC_PAGESIZE);
    size_t pages_size = skipped + size;
    void *pages = mmap(NULL, pages_size, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - skipped));
    if (pages == MAP_FAILED)
        return spira_fail_errno(err, errno, "%s: mapping %zu bytes", path, size);
    /* A kernel that does not know it (before 5.14) reads the pages when they are used. */
    if (madvise(pages, pages_size, MADV_POPULATE_READ) != 0 && errno != EINVAL) {
        enum spira_code code = spira_fail_errno(err, errno, "%s: reading %zu bytes", path, size);
        munmap(pages, pages_size);
        return code;
    }
    *ret_view = (struct spira_file_view){
        .data = (char *)pages + skipped, .pages = pages, .pages_size = pages_size};
    return SPIRA_OK;
}

void spira_file_view_done(struct spira_file_view *view)
{
    if (view->pages)
        munmap(view->pages, view->pages_size);
    *view = (struct spira_file_view){0};
}
