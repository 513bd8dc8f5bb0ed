#include "adapters/filesystem/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OBJECT_MODE = 0444 };

static int begin_named(struct store_temporary *temporary)
{
    do {
        uint64_t number;
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return -1;
        snprintf(temporary->name, sizeof temporary->name, ".tmp-%016" PRIx64, number);
        temporary->fd = openat(temporary->folder_fd, temporary->name,
                               O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, OBJECT_MODE);
    } while (temporary->fd < 0 && errno == EEXIST);
    return temporary->fd < 0 ? -1 : 0;
}

int spira_store_file_begin(int folder_fd, bool named, struct store_temporary *ret_temporary)
{
    struct store_temporary temporary = {.folder_fd = folder_fd, .fd = -1};
    if (!named)
        temporary.fd = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, OBJECT_MODE);
    /* EOPNOTSUPP: the file system has no nameless files; EISDIR: the kernel has none */
    if (named || (temporary.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)))
        (void)begin_named(&temporary);
    if (temporary.fd < 0)
        return -1;
    if (fchmod(temporary.fd, OBJECT_MODE) != 0) { /* whatever the umask */
        spira_store_file_done(&temporary);
        return -1;
    }
    *ret_temporary = temporary;
    return 0;
}

void spira_store_file_done(struct store_temporary *temporary)
{
    if (temporary->fd < 0)
        return;
    if (temporary->name[0])
        unlinkat(temporary->folder_fd, temporary->name, 0);
    close(temporary->fd);
}

int spira_store_file_write(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = write(fd, (const char *)data + done, size - done);
        if (count < 0 && errno != EINTR)
            return -1;
        done += count > 0 ? (size_t)count : 0;
    }
    return 0;
}

int spira_store_file_copy(int source, int target)
{
    if (lseek(source, 0, SEEK_SET) != 0)
        return -1;
    /* The kernel's own copy first: it shares blocks where the file system can. Wherever it stops,
     * at the end or because it cannot, reading and writing goes on. */
    while (copy_file_range(source, NULL, target, NULL, (size_t)1 << 30, 0) > 0)
        ;
    char block[1 << 16];
    for (;;) {
        ssize_t count = read(source, block, sizeof block);
        if (count == 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return -1;
        if (count > 0 && spira_store_file_write(target, block, (size_t)count) != 0)
            return -1;
    }
}

/* As pread, but fewer than size only at the end of the file. */
static ssize_t read_at(int fd, void *data, size_t size, off_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(fd, (char *)data + done, size - done, offset + (off_t)done);
        if (count < 0 && errno != EINTR)
            return -1;
        if (count == 0)
            break;
        done += count > 0 ? (size_t)count : 0;
    }
    return (ssize_t)done;
}

int spira_store_file_read(int fd, void *data, size_t size)
{
    ssize_t count = read_at(fd, data, size, 0);
    if (count >= 0 && (size_t)count < size)
        errno = EIO;
    return count >= 0 && (size_t)count == size ? 0 : -1;
}

int spira_store_file_same(int fd, int other)
{
    char block[1 << 15], wanted[1 << 15];
    for (off_t offset = 0;; offset += (off_t)sizeof block) {
        ssize_t count = read_at(fd, block, sizeof block, offset);
        ssize_t wanted_count = read_at(other, wanted, sizeof wanted, offset);
        if (count < 0 || wanted_count < 0)
            return -1;
        if (count != wanted_count || memcmp(block, wanted, (size_t)count) != 0)
            return 0;
        if ((size_t)count < sizeof block)
            return 1;
    }
}

int spira_store_file_holds(int fd, const void *data, size_t size)
{
    char block[1 << 15];
    for (size_t done = 0;;) {
        ssize_t count = read_at(fd, block, sizeof block, (off_t)done);
        if (count < 0)
            return -1;
        if ((size_t)count > size - done ||
            memcmp(block, (const char *)data + done, (size_t)count) != 0)
            return 0;
        done += (size_t)count;
        if ((size_t)count < sizeof block)
            return done == size;
    }
}

int spira_store_file_publish(struct store_temporary *temporary, const char *name)
{
    if (fsync(temporary->fd) != 0)
        return -1;
    if (temporary->name[0]) {
        if (renameat2(temporary->folder_fd, temporary->name, temporary->folder_fd, name,
                      RENAME_NOREPLACE) != 0)
            return -1;
        temporary->name[0] = '\0';
    } else {
        char path[64]; /* how linkat takes a nameless file without privileges: open(2), O_TMPFILE */
        snprintf(path, sizeof path, "/proc/self/fd/%d", temporary->fd);
        if (linkat(AT_FDCWD, path, temporary->folder_fd, name, AT_SYMLINK_FOLLOW) != 0)
            return -1;
    }
    return fsync(temporary->folder_fd);
}

int spira_store_file_replace(struct store_temporary *temporary, const char *name)
{
    if (fsync(temporary->fd) != 0 ||
        renameat(temporary->folder_fd, temporary->name, temporary->folder_fd, name) != 0)
        return -1;
    temporary->name[0] = '\0';
    return fsync(temporary->folder_fd);
}
