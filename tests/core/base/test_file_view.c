#include <criterion/criterion.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/file_view.h"

enum { SIZE = 20000 };

static char path[] = "/tmp/spira-test-view-XXXXXX";
static unsigned char bytes[SIZE];

static void make_file(void)
{
    struct spira_error err;
    close(mkstemp(path));
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    cr_assert_eq(spira_file_write(path, bytes, SIZE, &err), SPIRA_OK);
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(file_view, .init = make_file, .fini = remove_file);

Test(file_view, shows_any_part_of_a_file)
{
    static const size_t parts[][2] = {{0, SIZE},   {0, 1},       {1, 4096},     {4095, 2},
                                      {4096, 100}, {5000, 9000}, {SIZE - 1, 1}, {8, SIZE - 8}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct spira_error err = {0};
        SPIRA_CLEANUP(spira_file_view_done)
        struct spira_file_view view = {0};
        cr_assert_eq(spira_file_view_open(path, parts[i][0], parts[i][1], &view, &err), SPIRA_OK,
                     "%s", err.message);
        cr_assert_arr_eq(view.data, bytes + parts[i][0], parts[i][1]);
    }
}

static void expect_refusal(const char *file, size_t offset, size_t size, enum spira_code code,
                           const char *says)
{
    struct spira_error err = {0};
    struct spira_file_view view = {0};
    cr_assert_eq(spira_file_view_open(file, offset, size, &view, &err), code);
    cr_assert(strstr(err.message, says), "%s", err.message);
    cr_assert_null(view.data);
}

Test(file_view, refuses_what_is_not_in_the_file)
{
    expect_refusal(path, 1, SIZE, SPIRA_EIO, "has 20000 bytes; 20000 from 1 on are wanted");
    expect_refusal(path, SIZE + 1, 1, SPIRA_EIO, "20001");
    expect_refusal(path, SIZE_MAX, SIZE_MAX, SPIRA_EIO, path);
    expect_refusal("/tmp/spira-test-no-such-file", 0, 1, SPIRA_ENOTFOUND, "no-such-file");
    expect_refusal("/tmp", 0, 1, SPIRA_EIO, "/tmp");
}
