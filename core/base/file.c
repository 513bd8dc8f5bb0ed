#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum spira_code spira_file_read(const char *path, size_t max_bytes, struct spira_bytes *ret_bytes,
                                struct spira_error *err)
{
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = fopen(path, "rbe");
    if (!file)
        return spira_fail_errno(err, errno, "%s", path);
    struct stat facts;
    if (fstat(fileno(file), &facts) != 0)
        return spira_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(facts.st_mode))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", path);
    if ((uintmax_t)facts.st_size > max_bytes)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: %jd bytes, more than the %zu allowed", path,
                          (intmax_t)facts.st_size, max_bytes);
    size_t size = (size_t)facts.st_size;
    SPIRA_CLEANUP(spira_free_at)
    char *data = malloc(size + 1);
    if (!data)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for its %zu bytes", path, size);
    size_t got = fread(data, 1, size, file);
    if (got < size && ferror(file))
        return spira_fail_errno(err, errno, "%s", path);
    data[got] = '\0';
    *ret_bytes = (struct spira_bytes){.data = data, .size = got};
    data = NULL;
    return SPIRA_OK;
}

/* Lets put fill the file fd, which it closes, and makes it durable. */
static enum spira_code fill(int fd, const char *path, spira_file_writer *put, void *context,
                            struct spira_error *err)
{
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *out = fdopen(fd, "wb");
    if (!out) {
        close(fd);
        return spira_fail_errno(err, errno, "%s", path);
    }
    errno = 0;
    enum spira_code code = put(context, out, err);
    if (code != SPIRA_OK)
        return code;
    if (fflush(out) != 0 || ferror(out))
        return spira_fail_errno(err, errno ? errno : EIO, "%s", path);
    if (fsync(fd) != 0 || fchmod(fd, 0644) != 0)
        return spira_fail_errno(err, errno, "%s", path);
    return SPIRA_OK;
}

enum spira_code spira_file_write_by(const char *path, spira_file_writer *put, void *context,
                                    struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *temporary = spira_format("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return spira_fail_errno(err, errno, "%s", path);
    enum spira_code code = fill(fd, path, put, context, err);
    if (code == SPIRA_OK && rename(temporary, path) != 0)
        code = spira_fail_errno(err, errno, "%s", path);
    if (code != SPIRA_OK)
        unlink(temporary);
    return code;
}

static enum spira_code write_bytes(void *context, FILE *out, struct spira_error *err)
{
    const struct spira_bytes *bytes = context;
    (void)err;
    fwrite(bytes->data, 1, bytes->size, out);
    return SPIRA_OK;
}

enum spira_code spira_file_write(const char *path, const void *data, size_t size,
                                 struct spira_error *err)
{
    struct spira_bytes bytes = {.data = (void *)(uintptr_t)data, .size = size};
    return spira_file_write_by(path, write_bytes, &bytes, err);
}

enum spira_code spira_file_open_nameless(const char *folder, int *ret_fd, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("%s/.nameless.XXXXXX", folder);
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return spira_fail_errno(err, errno, "%s", name);
    if (unlink(name) != 0) {
        close(fd);
        return spira_fail_errno(err, errno, "%s", name);
    }
    *ret_fd = fd;
    return SPIRA_OK;
}

enum spira_code spira_folder_make(const char *path, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *copy = spira_copy_text(path);
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char separator = *at;
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            return spira_fail_errno(err, errno, "%s", copy);
        *at = separator;
        if (separator == '\0')
            break;
    }
    struct stat facts;
    if (stat(path, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", path);
    if (!S_ISDIR(facts.st_mode))
        return spira_fail(err, SPIRA_EIO, "%s: not a folder", path);
    return SPIRA_OK;
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    (void)where;
    return remove(path) != 0 && errno != ENOENT ? -1 : 0;
}

enum spira_code spira_tree_remove(const char *path, struct spira_error *err)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return spira_fail_errno(err, errno, "%s", path);
    return SPIRA_OK;
}
