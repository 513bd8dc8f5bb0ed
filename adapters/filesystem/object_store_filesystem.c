#include "adapters/filesystem/object_store_filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/filesystem/store_file.h"
#include "adapters/filesystem/store_folder.h"
#include "core/base/file.h"

struct filesystem_store {
    char *root;         /* absolute, unless it is mounted */
    atomic_int root_fd; /* -1: not opened yet */
    struct spira_digest digest;
};

/* Opens the folder of a store that was not there before; two threads may do so, and one wins. */
static enum spira_code open_mounted(struct filesystem_store *store, struct spira_error *err)
{
    int fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char text[128];
    if (fd < 0)
        return spira_fail(err, SPIRA_EUNREACHABLE, "store %s: %s", store->root,
                          strerror_r(errno, text, sizeof text));
    int none = -1;
    if (!atomic_compare_exchange_strong(&store->root_fd, &none, fd))
        close(fd);
    return SPIRA_OK;
}

/* Before every call with a key. */
static enum spira_code begin(struct filesystem_store *store, const char *key,
                             struct spira_error *err)
{
    if (!spira_key_valid(key))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a valid object key", key);
    return store->root_fd < 0 ? open_mounted(store, err) : SPIRA_OK;
}

/* The code and message of a system call that failed on a key. */
static enum spira_code fail(const struct filesystem_store *store, const char *key, int problem,
                            struct spira_error *err)
{
    if (problem == ELOOP)
        return spira_fail(err, SPIRA_EINVALID, "%s/%s: a symbolic link is on its way", store->root,
                          key);
    if (problem == ENOTDIR || problem == EISDIR)
        return spira_fail(err, SPIRA_EINVALID, "%s/%s: one key would be the folder of another",
                          store->root, key);
    return spira_fail_errno(err, problem, "%s/%s", store->root, key);
}

/* Gives the object's descriptor and its size. */
static enum spira_code open_object(struct filesystem_store *store, const char *key, int *ret_fd,
                                   size_t *ret_size, struct spira_error *err)
{
    enum spira_code code = begin(store, key, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_close_at)
    int fd = spira_store_folder_open_path(store->root_fd, key, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return fail(store, key, errno == ENOTDIR ? ENOENT : errno, err);
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return fail(store, key, errno, err);
    if (!S_ISREG(facts.st_mode))
        return fail(store, key, ENOENT, err);
    *ret_fd = fd;
    *ret_size = (size_t)facts.st_size;
    fd = -1;
    return SPIRA_OK;
}

/* What is to be stored: size bytes of data, or when data is NULL all of a file. */
struct content {
    const void *data;
    size_t size;
    int file_fd;
};

/* What put answers when the key is there already: success, and as durable, when the bytes agree. */
static enum spira_code compare(struct filesystem_store *store, const char *key, int folder_fd,
                               const struct content *content, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = -1;
    size_t size;
    enum spira_code code = open_object(store, key, &fd, &size, err);
    if (code != SPIRA_OK)
        return code;
    int same = content->data ? spira_store_file_holds(fd, content->data, content->size)
                             : spira_store_file_same(fd, content->file_fd);
    if (same < 0 || (same == 1 && fsync(folder_fd) != 0))
        return fail(store, key, errno, err);
    if (same == 0)
        return spira_fail(err, SPIRA_EDETERMINISM, "%s/%s: is there with other bytes", store->root,
                          key);
    return SPIRA_OK;
}

/* Writes a new object. EEXIST: it is there by now. */
static int write_new(int folder_fd, const char *name, const struct content *content)
{
    SPIRA_CLEANUP(spira_store_file_done)
    struct store_temporary temporary = {.fd = -1};
    if (spira_store_file_begin(folder_fd, false, &temporary) != 0)
        return errno;
    int result = content->data ? spira_store_file_write(temporary.fd, content->data, content->size)
                               : spira_store_file_copy(content->file_fd, temporary.fd);
    return result == 0 && spira_store_file_publish(&temporary, name) == 0 ? 0 : errno;
}

static enum spira_code put_content(struct filesystem_store *store, const char *key,
                                   const struct content *content, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int folder_fd = spira_store_folder_open(store->root_fd, key, true);
    if (folder_fd < 0)
        return fail(store, key, errno, err);
    const char *name = spira_store_folder_name(key);
    /* twice round at most, unless somebody removes the object as fast as others put it */
    for (;;) {
        enum spira_code code = compare(store, key, folder_fd, content, err);
        if (code != SPIRA_ENOTFOUND)
            return code;
        struct stat facts;
        if (fstatat(folder_fd, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(facts.st_mode))
            return fail(store, key, EISDIR, err);
        int problem = write_new(folder_fd, name, content);
        if (problem != EEXIST)
            return problem ? fail(store, key, problem, err) : SPIRA_OK;
    }
}

static enum spira_code put(void *self, const char *key, const void *data, size_t size,
                           struct spira_error *err)
{
    enum spira_code code = begin(self, key, err);
    struct content content = {.data = size ? data : "", .size = size};
    return code == SPIRA_OK ? put_content(self, key, &content, err) : code;
}

static enum spira_code put_file(void *self, const char *key, const char *path,
                                struct spira_error *err)
{
    enum spira_code code = begin(self, key, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_close_at)
    int source = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (source < 0 || fstat(source, &facts) != 0)
        return spira_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(facts.st_mode))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a regular file", path);
    return put_content(self, key, &(struct content){.file_fd = source}, err);
}

static enum spira_code get(void *self, const char *key, size_t max_bytes,
                           struct spira_bytes *ret_bytes, struct spira_error *err)
{
    struct filesystem_store *store = self;
    SPIRA_CLEANUP(spira_close_at)
    int fd = -1;
    size_t size;
    enum spira_code code = open_object(store, key, &fd, &size, err);
    if (code != SPIRA_OK)
        return code;
    if (size > max_bytes)
        return spira_fail(err, SPIRA_ETOOBIG, "%s/%s: %zu bytes, more than the %zu allowed",
                          store->root, key, size, max_bytes);
    SPIRA_CLEANUP(spira_free_at)
    void *data = NULL;
    code = spira_big_alloc(&data, size + 1, 1, key, err);
    if (code != SPIRA_OK)
        return code;
    if (spira_store_file_read(fd, data, size) != 0)
        return fail(store, key, errno, err);
    *ret_bytes = (struct spira_bytes){.data = data, .size = size};
    data = NULL;
    return SPIRA_OK;
}

static enum spira_code fail_path(const char *path, int problem, struct spira_error *err)
{
    if (problem == EEXIST)
        return spira_fail(err, SPIRA_EINVALID, "%s: is there already", path);
    return spira_fail_errno(err, problem, "%s", path);
}

/* Where the object cannot be linked to path (another file system, another owner), copies it. */
static enum spira_code copy_object(int fd, const char *path, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (target < 0)
        return fail_path(path, errno, err);
    if (fchmod(target, 0444) == 0 && spira_store_file_copy(fd, target) == 0)
        return SPIRA_OK;
    enum spira_code code = spira_fail_errno(err, errno, "%s", path);
    unlink(path);
    return code;
}

static enum spira_code fetch(void *self, const char *key, const char *path, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = -1;
    size_t size;
    enum spira_code code = open_object(self, key, &fd, &size, err);
    if (code != SPIRA_OK)
        return code;
    char object[64];
    snprintf(object, sizeof object, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, object, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return SPIRA_OK;
    if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP)
        return copy_object(fd, path, err);
    return fail_path(path, errno, err);
}

static enum spira_code stat_object(void *self, const char *key, uint64_t *ret_size,
                                   struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = -1;
    size_t size;
    enum spira_code code = open_object(self, key, &fd, &size, err);
    if (code == SPIRA_OK && ret_size)
        *ret_size = size;
    return code;
}

static enum spira_code list(void *self, const char *prefix, spira_key_visit *visit, void *context,
                            struct spira_error *err)
{
    struct filesystem_store *store = self;
    if (!spira_key_prefix_valid(prefix))
        return spira_fail(err, SPIRA_EINVALID, "%s: no object key begins so", prefix);
    enum spira_code code = store->root_fd < 0 ? open_mounted(store, err) : SPIRA_OK;
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_store_folder_list_done)
    struct store_listing listing = {0};
    if (spira_store_folder_list(store->root_fd, prefix, &listing) != 0)
        return fail(store, prefix, errno, err);
    for (size_t i = 0; i < listing.count; i++)
        if (!visit(context, listing.entries[i].key, listing.entries[i].size))
            break;
    return SPIRA_OK;
}

static enum spira_code remove_object(void *self, const char *key, struct spira_error *err)
{
    struct filesystem_store *store = self;
    enum spira_code code = begin(store, key, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_close_at)
    int folder_fd = spira_store_folder_open(store->root_fd, key, false);
    if (folder_fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? SPIRA_OK : fail(store, key, errno, err);
    if (unlinkat(folder_fd, spira_store_folder_name(key), 0) != 0)
        return errno == ENOENT || errno == EISDIR ? SPIRA_OK : fail(store, key, errno, err);
    return fsync(folder_fd) == 0 ? SPIRA_OK : fail(store, key, errno, err);
}

/* Gives a descriptor that holds off every other swap in the store until it is closed. */
static enum spira_code lock_swaps(const struct filesystem_store *store, int *ret_fd,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = openat(store->root_fd, ".swap-lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        return fail(store, ".swap-lock", errno, err);
    *ret_fd = fd;
    fd = -1;
    return SPIRA_OK;
}

/* SPIRA_ECONFLICT unless what is there is what a swap expects. */
static enum spira_code check_expected(struct filesystem_store *store, const char *key,
                                      const struct spira_sha256 *expected, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = get(store, key, PTRDIFF_MAX, &bytes, err);
    if (code == SPIRA_ENOTFOUND && !expected)
        return SPIRA_OK;
    if (code != SPIRA_OK && code != SPIRA_ENOTFOUND)
        return code;
    if (code == SPIRA_OK && expected) {
        struct spira_sha256 found = spira_digest_bytes(store->digest, bytes.data, bytes.size);
        if (strcmp(found.hex, expected->hex) == 0)
            return SPIRA_OK;
    }
    return spira_fail(err, SPIRA_ECONFLICT, "%s/%s: somebody else changed it first", store->root,
                      key);
}

static enum spira_code swap(void *self, const char *key, const struct spira_sha256 *expected,
                            const void *data, size_t size, struct spira_error *err)
{
    struct filesystem_store *store = self;
    SPIRA_CLEANUP(spira_close_at)
    int lock_fd = -1;
    enum spira_code code = begin(store, key, err);
    if (code == SPIRA_OK)
        code = lock_swaps(store, &lock_fd, err);
    if (code == SPIRA_OK)
        code = check_expected(store, key, expected, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_close_at)
    int folder_fd = spira_store_folder_open(store->root_fd, key, true);
    if (folder_fd < 0)
        return fail(store, key, errno, err);
    SPIRA_CLEANUP(spira_store_file_done)
    struct store_temporary temporary = {.fd = -1};
    if (spira_store_file_begin(folder_fd, true, &temporary) != 0 ||
        spira_store_file_write(temporary.fd, data, size) != 0 ||
        spira_store_file_replace(&temporary, spira_store_folder_name(key)) != 0)
        return fail(store, key, errno, err);
    return SPIRA_OK;
}

/* The folder that was opened may not be the one that has the name now: a mount came late, or came
 * back and made what was open stale. Whoever is at work in it goes on in the new one. */
static enum spira_code follow_root(struct filesystem_store *store, struct spira_error *err)
{
    struct stat opened, named;
    if (store->root_fd < 0 ||
        (fstat(store->root_fd, &opened) == 0 && stat(store->root, &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino))
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_close_at)
    int fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || dup3(fd, store->root_fd, O_CLOEXEC) < 0)
        return fail(store, "", errno, err);
    return spira_fail(err, SPIRA_EUNREACHABLE,
                      "%s: is another folder than before: what was put meanwhile may be missing",
                      store->root);
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    struct filesystem_store *store = self;
    if (faccessat(AT_FDCWD, store->root, R_OK | W_OK | X_OK, AT_EACCESS) == 0)
        return follow_root(store, err);
    char text[128];
    return spira_fail(err, SPIRA_EUNREACHABLE, "%s: not a folder the store can write to: %s",
                      store->root, strerror_r(errno, text, sizeof text));
}

static void close_store(void *self)
{
    struct filesystem_store *store = self;
    if (store->root_fd >= 0)
        close(store->root_fd);
    free(store->root);
    free(store);
}

/* Makes root when it is not there, and opens it. */
static enum spira_code open_root(const char *root, int *ret_fd, struct spira_error *err)
{
    bool made = access(root, F_OK) != 0;
    enum spira_code code = spira_folder_make(root, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_close_at)
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* once in a store's life: root's own entry, and its new parents', must outlast a power cut */
    if (fd < 0 || (made && syncfs(fd) != 0))
        return spira_fail_errno(err, errno, "%s", root);
    *ret_fd = fd;
    fd = -1;
    return SPIRA_OK;
}

static const struct spira_object_store_ops ops = {.put = put,
                                                  .put_file = put_file,
                                                  .get = get,
                                                  .fetch = fetch,
                                                  .stat = stat_object,
                                                  .list = list,
                                                  .remove = remove_object,
                                                  .swap = swap,
                                                  .probe = probe,
                                                  .close = close_store};

struct spira_object_store spira_object_store_mounted(const char *root, struct spira_digest digest)
{
    struct filesystem_store *store = spira_alloc(1, sizeof *store);
    *store =
        (struct filesystem_store){.root = spira_copy_text(root), .root_fd = -1, .digest = digest};
    return (struct spira_object_store){.ops = &ops, .self = store};
}

enum spira_code spira_object_store_filesystem(const char *root, struct spira_digest digest,
                                              struct spira_object_store *ret_store,
                                              struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = -1;
    enum spira_code code = open_root(root, &fd, err);
    if (code != SPIRA_OK)
        return code;
    char *absolute = realpath(root, NULL);
    if (!absolute)
        return spira_fail_errno(err, errno, "%s", root);
    struct filesystem_store *store = spira_alloc(1, sizeof *store);
    *store = (struct filesystem_store){.root = absolute, .root_fd = fd, .digest = digest};
    fd = -1;
    *ret_store = (struct spira_object_store){.ops = &ops, .self = store};
    return SPIRA_OK;
}
