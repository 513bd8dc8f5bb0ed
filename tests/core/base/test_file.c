#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"

static char folder[] = "/tmp/spira-test-file-XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    struct spira_error err;
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
    cr_assert_neq(access(folder, F_OK), 0);
}

TestSuite(file, .init = make_folder, .fini = remove_folder);

Test(file, what_is_written_is_read_back_and_replaced)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *deep = spira_format("%s/a/b/c", folder);
    cr_assert_eq(spira_folder_make(deep, &err), SPIRA_OK);
    cr_assert_eq(spira_folder_make(deep, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/file", deep);
    cr_assert_eq(spira_file_write(path, "first", 5, &err), SPIRA_OK);
    cr_assert_eq(spira_file_write(path, "second", 6, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 6, &bytes, &err), SPIRA_OK);
    cr_assert_eq(bytes.size, 6);
    cr_assert_str_eq(bytes.data, "second");
}

Test(file, errors_name_the_path_and_leave_the_result_alone)
{
    struct spira_error err;
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/none", folder);
    cr_assert_eq(spira_file_read(path, 10, &bytes, &err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, path));
    cr_assert_null(bytes.data);
    cr_assert_eq(spira_file_write(path, "12345", 5, &err), SPIRA_OK);
    cr_assert_eq(spira_file_read(path, 4, &bytes, &err), SPIRA_ETOOBIG);
    cr_assert_null(bytes.data);
    cr_assert_eq(spira_folder_make(path, &err), SPIRA_EIO);
}

static enum spira_code write_numbers(void *count, FILE *out, struct spira_error *err)
{
    for (int i = 0; i < *(int *)count; i++)
        fprintf(out, "%d\n", i);
    return *(int *)count == 13 ? spira_fail(err, SPIRA_EBUG, "13 of them") : SPIRA_OK;
}

Test(file, what_a_function_writes_is_there_whole_or_not_at_all)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/file", folder);
    int count = 3;
    cr_assert_eq(spira_file_write_by(path, write_numbers, &count, &err), SPIRA_OK, "%s",
                 err.message);
    count = 13;
    cr_assert_eq(spira_file_write_by(path, write_numbers, &count, &err), SPIRA_EBUG);
    cr_assert_str_eq(err.message, "13 of them");
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {.rlim_cur = 8192, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    count = 100000;
    cr_assert_eq(spira_file_write_by(path, write_numbers, &count, &err), SPIRA_EIO);
    cr_assert(strstr(err.message, path), "%s", err.message);
    cr_assert(strstr(err.message, strerror(EFBIG)), "%s", err.message);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 10, &bytes, &err), SPIRA_OK);
    cr_assert_str_eq(bytes.data, "0\n1\n2\n", "the older one");
    unlink(path);
    cr_assert_eq(rmdir(folder), 0, "nothing is left beside it");
    cr_assert_eq(mkdir(folder, 0700), 0);
}

Test(file, a_nameless_file_leaves_nothing_in_its_folder)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_close_at)
    int fd = -1;
    cr_assert_eq(spira_file_open_nameless(folder, &fd, &err), SPIRA_OK, "%s", err.message);
    char back[5] = "";
    cr_assert_eq(pwrite(fd, "1234", 4, 0), 4);
    cr_assert_eq(pread(fd, back, 4, 0), 4);
    cr_assert_str_eq(back, "1234");
    cr_assert_eq(rmdir(folder), 0, "it is empty");
    int none = -1;
    cr_assert_eq(spira_file_open_nameless(folder, &none, &err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, folder), "%s", err.message);
    cr_assert_eq(none, -1);
    cr_assert_eq(mkdir(folder, 0700), 0);
}
