#include "adapters/filesystem/store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/ports/object_store.h"

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

int spira_store_folder_open_path(int root_fd, const char *path, int flags)
{
    /* glibc has no wrapper yet */
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, root_fd, *path ? path : ".", &how, sizeof how);
}

const char *spira_store_folder_name(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
}

/* Opens the folder name in the folder at, made when it is not there. The sync comes even when
 * somebody else has just made it: their sync may be still to come. */
static int open_or_make(int at, const char *name)
{
    int fd = openat(at, name, FOLDER_FLAGS | O_NOFOLLOW);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if ((mkdirat(at, name, 0777) != 0 && errno != EEXIST) || fsync(at) != 0)
        return -1;
    return openat(at, name, FOLDER_FLAGS | O_NOFOLLOW);
}

static int make_path(int root_fd, char *path)
{
    int at = spira_store_folder_open_path(root_fd, "", FOLDER_FLAGS);
    char *rest = path;
    for (char *name; at >= 0 && (name = strsep(&rest, "/"));) {
        int next = open_or_make(at, name);
        int problem = errno;
        close(at);
        errno = problem;
        at = next;
    }
    return at;
}

int spira_store_folder_open(int root_fd, const char *key, bool make)
{
    char path[SPIRA_KEY_MAX + 1];
    size_t length = (size_t)(spira_store_folder_name(key) - key);
    memcpy(path, key, length);
    path[length ? length - 1 : 0] = '\0';
    int fd = spira_store_folder_open_path(root_fd, path, FOLDER_FLAGS);
    return fd < 0 && errno == ENOENT && make ? make_path(root_fd, path) : fd;
}

static void add_entry(struct store_listing *listing, const char *key, uint64_t size)
{
    /* grows by doubling: the capacity is the next power of two */
    if ((listing->count & (listing->count - 1)) == 0)
        listing->entries = spira_realloc(listing->entries, listing->count ? listing->count * 2 : 1,
                                         sizeof *listing->entries);
    listing->entries[listing->count++] =
        (struct store_entry){.key = spira_copy_text(key), .size = size};
}

static int list_folder(int root_fd, const char *folder, const char *prefix,
                       struct store_listing *listing);

/* Adds what is under name in the open folder: the object, or those of the folder below. What
 * vanishes meanwhile was removed; what is no key is not ours. */
static int list_entry(int root_fd, int folder_fd, const char *folder, const char *name,
                      const char *prefix, struct store_listing *listing)
{
    char key[SPIRA_KEY_MAX + NAME_MAX + 2];
    snprintf(key, sizeof key, "%s%s", folder, name);
    size_t length = strlen(key), wanted = strlen(prefix);
    if (!spira_key_valid(key) || strncmp(key, prefix, length < wanted ? length : wanted) != 0)
        return 0;
    struct stat facts;
    if (fstatat(folder_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -1;
    if (S_ISREG(facts.st_mode) && length >= wanted)
        add_entry(listing, key, (uint64_t)facts.st_size);
    if (!S_ISDIR(facts.st_mode) || length >= SPIRA_KEY_MAX)
        return 0;
    memcpy(key + length, "/", 2);
    return list_folder(root_fd, key, prefix, listing);
}

/* folder: "" or a path that ends at a '/'. */
static int list_folder(int root_fd, const char *folder, const char *prefix,
                       struct store_listing *listing)
{
    int fd = spira_store_folder_open(root_fd, folder, false);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    DIR *stream = fdopendir(fd);
    if (!stream) {
        close(fd);
        return -1;
    }
    int result = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry) {
            result = errno ? -1 : 0;
            break;
        }
        result = list_entry(root_fd, fd, folder, entry->d_name, prefix, listing);
        if (result != 0)
            break;
    }
    int problem = errno;
    closedir(stream);
    errno = problem;
    return result;
}

static int by_key(const void *a, const void *b)
{
    const struct store_entry *left = a, *right = b;
    return strcmp(left->key, right->key);
}

int spira_store_folder_list(int root_fd, const char *prefix, struct store_listing *listing)
{
    char folder[SPIRA_KEY_MAX + 1];
    size_t length = (size_t)(spira_store_folder_name(prefix) - prefix);
    memcpy(folder, prefix, length);
    folder[length] = '\0';
    if (list_folder(root_fd, folder, prefix, listing) != 0)
        return -1;
    if (listing->count > 1)
        qsort(listing->entries, listing->count, sizeof *listing->entries, by_key);
    return 0;
}

void spira_store_folder_list_done(struct store_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].key);
    free(listing->entries);
}
