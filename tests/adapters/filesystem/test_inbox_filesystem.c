#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/filesystem/inbox_filesystem.h"
#include "core/base/file.h"

/* top/inbox is the inbox; beside it lies what must stay out of reach. */
static char top[] = "/tmp/spira-test-inbox-XXXXXX";
static struct spira_inbox inbox;
static struct spira_error err;

static char *below(const char *name)
{
    return spira_format("%s/%s", top, name);
}

static void write_text(const char *name, const char *text)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = below(name);
    cr_assert_eq(spira_file_write(path, text, strlen(text), &err), SPIRA_OK, "%s", err.message);
}

static void set_up(void)
{
    cr_assert(mkdtemp(top));
    SPIRA_CLEANUP(spira_free_at)
    char *folder = below("inbox");
    SPIRA_CLEANUP(spira_free_at)
    char *ward = below("inbox/ward");
    cr_assert_eq(spira_folder_make(ward, &err), SPIRA_OK);
    write_text("secret.wav", "secret");
    write_text("inbox/ward/a b.wav", "sound");
    cr_assert_eq(spira_inbox_filesystem(folder, &inbox, &err), SPIRA_OK, "%s", err.message);
}

static void tear_down(void)
{
    spira_inbox_done(&inbox);
    cr_assert_eq(spira_tree_remove(top, &err), SPIRA_OK);
}

TestSuite(inbox_filesystem, .init = set_up, .fini = tear_down);

/* Expects code, and a copy exactly when it is success. */
static void expect(const char *uri, uint64_t max_bytes, enum spira_code code)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = below("copy");
    cr_assert_eq(spira_inbox_fetch(inbox, uri, max_bytes, path, &err), code, "%s: %s", uri,
                 err.message);
    cr_assert_eq(access(path, F_OK) == 0, code == SPIRA_OK);
    if (code == SPIRA_OK)
        cr_assert_eq(unlink(path), 0);
    else
        cr_assert(strstr(err.message, uri), "'%s' should name %s", err.message, uri);
}

static void link_to(const char *target, const char *name)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = below(name);
    cr_assert_eq(symlink(target, path), 0);
}

Test(inbox_filesystem, a_file_is_copied_whole)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = below("copy");
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_inbox_fetch(inbox, "ward/a b.wav", 5, path, &err), SPIRA_OK);
    cr_assert_eq(spira_file_read(path, 100, &bytes, &err), SPIRA_OK);
    cr_assert_str_eq(bytes.data, "sound");
}

Test(inbox_filesystem, what_is_not_there_is_not_found)
{
    expect("ward/none.wav", 100, SPIRA_ENOTFOUND);
    expect("ward/a b.wav/c.wav", 100, SPIRA_ENOTFOUND);
    expect("", 100, SPIRA_ENOTFOUND);
}

Test(inbox_filesystem, no_way_leads_out)
{
    link_to("../../secret.wav", "inbox/ward/link.wav");
    link_to("..", "inbox/up");
    SPIRA_CLEANUP(spira_free_at)
    char *absolute = below("secret.wav");
    expect("../secret.wav", 100, SPIRA_EINVALID);
    expect("ward/../../secret.wav", 100, SPIRA_EINVALID);
    expect("ward/link.wav", 100, SPIRA_EINVALID);
    expect("up/secret.wav", 100, SPIRA_EINVALID);
    expect(absolute, 100, SPIRA_EINVALID);
}

Test(inbox_filesystem, a_link_that_stays_inside_is_followed)
{
    link_to("a b.wav", "inbox/ward/link.wav");
    expect("ward/link.wav", 100, SPIRA_OK);
}

Test(inbox_filesystem, a_loop_of_links_ends)
{
    link_to("loop.wav", "inbox/loop.wav");
    expect("loop.wav", 100, SPIRA_EINVALID);
}

Test(inbox_filesystem, only_regular_files_are_recordings, .timeout = 10)
{
    SPIRA_CLEANUP(spira_free_at)
    char *pipe = below("inbox/pipe.wav");
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    expect("pipe.wav", 100, SPIRA_EINVALID);
    expect("ward", 100, SPIRA_EINVALID);
}

Test(inbox_filesystem, a_file_above_the_limit_is_too_big)
{
    expect("ward/a b.wav", 4, SPIRA_ETOOBIG);
    expect("ward/a b.wav", 5, SPIRA_OK);
}

Test(inbox_filesystem, a_folder_that_is_not_there_is_named)
{
    struct spira_inbox other = {0};
    cr_assert_eq(spira_inbox_filesystem("/tmp/spira-no-such-inbox", &other, &err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, "/tmp/spira-no-such-inbox"));
}
