#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/adapters/filesystem/scratch_store.h"

static struct scratch scratch;

static void open_scratch(void)
{
    scratch = scratch_open();
}

static void close_scratch(void)
{
    scratch_close(&scratch);
}

TestSuite(object_store_filesystem, .init = open_scratch, .fini = close_scratch);

/* From now on the system call fails with problem when its argument has all the bits of mask: how
 * these tests meet a full disk, or a file system without nameless files. */
static void make_fail(int call, unsigned argument, uint32_t mask, int problem)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 (uint32_t)(offsetof(struct seccomp_data, args) + 8 * argument)),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mask, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)problem),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

static void expect(const char *key, const char *text)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_store_get(scratch.store, key, 4096, &bytes, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert_str_eq(bytes.data, text);
}

Test(object_store_filesystem, an_object_is_a_read_only_file_under_its_key)
{
    struct spira_error err;
    umask(0077);
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "bytes", 5, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/a/b", scratch.root);
    struct stat facts;
    cr_assert_eq(stat(path, &facts), 0);
    cr_assert_eq(facts.st_mode & 0777, 0444);
    cr_assert_eq(facts.st_size, 5);
}

Test(object_store_filesystem, a_file_system_without_nameless_files_serves_too)
{
    struct spira_error err;
    make_fail(SYS_openat, 2, O_TMPFILE, EOPNOTSUPP);
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "bytes", 5, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "bytes", 5, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "other", 5, &err), SPIRA_EDETERMINISM);
    expect("a/b", "bytes");
    cr_assert_eq(scratch_leftovers(&scratch), 0);
}

/* The size of a write that a filter can tell from those of the test's own reports. */
enum { FAILING_WRITE = 1 << 20 };

static void expect_nothing_written(const char *key, int problem)
{
    struct spira_error err = {0};
    static char bytes[FAILING_WRITE];
    cr_assert_eq(spira_store_put(scratch.store, key, bytes, sizeof bytes, &err), SPIRA_EIO);
    cr_assert(strstr(err.message, key) && strstr(err.message, strerror(problem)), "%s",
              err.message);
    cr_assert_eq(spira_store_swap(scratch.store, key, NULL, bytes, sizeof bytes, &err), SPIRA_EIO);
    cr_assert_str_eq(scratch_keys(&scratch), "");
    cr_assert_eq(scratch_leftovers(&scratch), 0);
}

Test(object_store_filesystem, a_failed_sync_leaves_nothing)
{
    make_fail(SYS_fsync, 0, 0, EIO);
    expect_nothing_written("object", EIO);
}

Test(object_store_filesystem, a_write_that_meets_a_full_disk_leaves_nothing)
{
    make_fail(SYS_write, 2, FAILING_WRITE, ENOSPC);
    expect_nothing_written("object", ENOSPC);
}

Test(object_store_filesystem, a_failed_link_leaves_nothing)
{
    make_fail(SYS_linkat, 4, AT_SYMLINK_FOLLOW, EDQUOT);
    struct spira_error err = {0};
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "bytes", 5, &err), SPIRA_EIO);
    cr_assert(strstr(err.message, "a/b"));
    cr_assert_str_eq(scratch_keys(&scratch), "");
}

Test(object_store_filesystem, a_failed_rename_leaves_the_older_object)
{
    struct spira_error err;
    struct spira_sha256 one = spira_digest_bytes(spira_digest_openssl(), "one", 3);
    cr_assert_eq(spira_store_swap(scratch.store, "object", NULL, "one", 3, &err), SPIRA_OK);
    make_fail(SYS_renameat, 0, 0, EIO);
    cr_assert_eq(spira_store_swap(scratch.store, "object", &one, "two", 3, &err), SPIRA_EIO);
    expect("object", "one");
    cr_assert_eq(scratch_leftovers(&scratch), 0);
}

/* A put larger than what is left, then a smaller one that fits. */
static void fill_up(struct spira_object_store store, const char *kind)
{
    static char large[600000];
    struct spira_error err = {0};
    memset(large, 'x', sizeof large);
    enum spira_code code = spira_store_put(store, "folder/large", large, sizeof large, &err);
    cr_assert_eq(code, SPIRA_EIO, "%s: %s", kind, spira_code_name(code));
    cr_assert(strstr(err.message, "folder/large"), "%s", err.message);
    cr_assert_eq(spira_store_stat(store, "folder/large", NULL, &err), SPIRA_ENOTFOUND);
    code = spira_store_put(store, "folder/small", large, 100000, &err);
    cr_assert_eq(code, SPIRA_OK, "%s: %s", kind, err.message);
    code = spira_store_swap(store, "folder/large", NULL, large, sizeof large, &err);
    cr_assert_eq(code, SPIRA_EIO);
    cr_assert_eq(spira_store_stat(store, "folder/large", NULL, &err), SPIRA_ENOTFOUND);
}

/* A disk of 512 KiB where we may mount one, in a name space of our own; else a limit on the size of
 * files, which every process may set. */
Test(object_store_filesystem, a_full_disk_leaves_nothing_and_smaller_objects_still_fit)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *disk = spira_format("%s/disk", scratch.folder);
    cr_assert_eq(mkdir(disk, 0777), 0);
    bool mounted = unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, "") == 0 &&
                   mount("tmpfs", disk, "tmpfs", 0, "size=512k") == 0;
    if (!mounted) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {.rlim_cur = 512 << 10, .rlim_max = RLIM_INFINITY};
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    }
    SPIRA_CLEANUP(spira_object_store_done)
    struct spira_object_store store = {0};
    cr_assert_eq(spira_object_store_filesystem(disk, spira_digest_openssl(), &store, &err),
                 SPIRA_OK, "%s", err.message);
    fill_up(store, mounted ? "on a small disk" : "under a limit");
    spira_object_store_done(&store);
    if (mounted)
        cr_assert_eq(umount2(disk, MNT_DETACH), 0);
}

Test(object_store_filesystem, a_mount_that_came_late_is_noticed)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *place = spira_format("%s/place", scratch.folder);
    SPIRA_CLEANUP(spira_free_at)
    char *hidden = spira_format("%s/hidden", scratch.folder);
    SPIRA_CLEANUP(spira_free_at)
    char *file = spira_format("%s/place/b", scratch.folder);
    SPIRA_CLEANUP(spira_object_store_done)
    struct spira_object_store store = spira_object_store_mounted(place, spira_digest_openssl());
    cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_EUNREACHABLE);
    cr_assert_eq(mkdir(place, 0777), 0);
    cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_OK);
    cr_assert_eq(spira_store_probe(store, &err), SPIRA_OK);
    cr_assert_eq(rename(place, hidden), 0);
    cr_assert_eq(mkdir(place, 0777), 0);
    cr_assert_eq(spira_store_probe(store, &err), SPIRA_EUNREACHABLE);
    cr_assert(strstr(err.message, "another folder"), "%s", err.message);
    cr_assert_eq(spira_store_probe(store, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(store, "b", "1", 1, &err), SPIRA_OK);
    cr_assert_eq(access(file, F_OK), 0);
}

Test(object_store_filesystem, no_link_below_the_root_is_followed)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *outside = spira_format("%s/outside", scratch.folder);
    SPIRA_CLEANUP(spira_free_at)
    char *secret = spira_format("%s/secret", outside);
    SPIRA_CLEANUP(spira_free_at)
    char *folder_link = spira_format("%s/folder", scratch.root);
    SPIRA_CLEANUP(spira_free_at)
    char *file_link = spira_format("%s/file", scratch.root);
    cr_assert_eq(mkdir(outside, 0777), 0);
    cr_assert_eq(spira_file_write(secret, "secret", 6, &err), SPIRA_OK);
    cr_assert_eq(symlink(outside, folder_link), 0);
    cr_assert_eq(symlink(secret, file_link), 0);
    struct spira_bytes bytes = {0};
    struct spira_sha256 digest = spira_digest_bytes(spira_digest_openssl(), "secret", 6);
    static const char *const keys[] = {"folder/secret", "file"};
    for (size_t i = 0; i < 2; i++) {
        enum spira_code code = spira_store_get(scratch.store, keys[i], 9, &bytes, &err);
        cr_assert_eq(code, SPIRA_EINVALID);
        cr_assert(strstr(err.message, "link"));
        code = spira_store_swap(scratch.store, keys[i], &digest, "x", 1, &err);
        cr_assert_eq(code, SPIRA_EINVALID);
        code = spira_store_put(scratch.store, keys[i], "secret", 6, &err);
        cr_assert_eq(code, SPIRA_EINVALID);
    }
    cr_assert_eq(spira_store_put(scratch.store, "folder/new/deep", "x", 1, &err), SPIRA_EINVALID);
    cr_assert_eq(spira_store_remove(scratch.store, "folder/secret", &err), SPIRA_EINVALID);
    cr_assert_str_eq(scratch_keys(&scratch), "");
    cr_assert_eq(access(secret, F_OK), 0);
}

Test(object_store_filesystem, what_is_no_object_is_not_listed)
{
    struct spira_error err;
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "1", 1, &err), SPIRA_OK);
    cr_assert_eq(spira_store_swap(scratch.store, "c", NULL, "2", 1, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *command = spira_format("cd %s && mkdir -p .work/deep lost+found a/.hidden && "
                                 "touch .work/deep/x lost+found/x a/.tmp-1 a/.hidden/x 'a/b c' && "
                                 "mkfifo a/pipe",
                                 scratch.root);
    cr_assert_eq(system(command), 0);
    cr_assert_str_eq(scratch_keys(&scratch), "a/b c "); /* two keys: "a/b", "c" */
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_store_get(scratch.store, "a/pipe", 9, &bytes, &err), SPIRA_ENOTFOUND);
}

Test(object_store_filesystem, no_key_is_the_folder_of_another)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "1", 1, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(scratch.store, "a/b/c", "1", 1, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "a/b/c"));
    cr_assert_eq(spira_store_put(scratch.store, "a", "1", 1, &err), SPIRA_EINVALID);
    cr_assert_eq(spira_store_swap(scratch.store, "a", NULL, "1", 1, &err), SPIRA_EINVALID);
    cr_assert_eq(scratch_leftovers(&scratch), 0);
    expect("a/b", "1");
}

Test(object_store_filesystem, an_object_on_another_file_system_is_fetched_as_a_copy)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_store_put(scratch.store, "a/b", "bytes", 5, &err), SPIRA_OK);
    make_fail(SYS_linkat, 4, AT_SYMLINK_FOLLOW, EXDEV);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/fetched", scratch.folder);
    cr_assert_eq(spira_store_fetch(scratch.store, "a/b", path, &err), SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 9, &bytes, &err), SPIRA_OK);
    cr_assert_str_eq(bytes.data, "bytes");
    struct stat facts;
    cr_assert_eq(stat(path, &facts), 0);
    cr_assert_eq(facts.st_mode & 0777, 0444);
    cr_assert_eq(facts.st_nlink, 1);
    cr_assert_eq(spira_store_fetch(scratch.store, "a/b", path, &err), SPIRA_EINVALID);
}

Test(object_store_filesystem, a_file_is_put_where_the_kernel_does_not_copy)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/local", scratch.folder);
    cr_assert_eq(spira_file_write(path, "bytes", 5, &err), SPIRA_OK);
    make_fail(SYS_copy_file_range, 0, 0, EXDEV);
    cr_assert_eq(spira_store_put_file(scratch.store, "a/b", path, &err), SPIRA_OK);
    expect("a/b", "bytes");
}

Test(object_store_filesystem, a_store_that_is_no_folder_names_its_path)
{
    struct spira_error err = {0};
    struct spira_object_store store = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/file", scratch.folder);
    cr_assert_eq(spira_file_write(path, "x", 1, &err), SPIRA_OK);
    enum spira_code code =
        spira_object_store_filesystem(path, spira_digest_openssl(), &store, &err);
    cr_assert_eq(code, SPIRA_EIO);
    cr_assert(strstr(err.message, path));
    cr_assert_null(store.ops);
    cr_assert_eq(spira_store_probe(scratch.store, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *moved = spira_format("%s/moved", scratch.folder);
    cr_assert_eq(rename(scratch.root, moved), 0);
    cr_assert_eq(spira_store_probe(scratch.store, &err), SPIRA_EUNREACHABLE);
    cr_assert(strstr(err.message, scratch.root));
}
