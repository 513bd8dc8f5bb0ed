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

static const struct spira_sha256 digest = {
    .hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};

static char *offer(const char *name)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = below(name);
    char *uri = NULL;
    cr_assert_eq(spira_inbox_offer(inbox, path, &digest, &uri, &err), SPIRA_OK, "%s", err.message);
    return uri;
}

/* Expects that what was offered can be fetched, and is this. */
static void expect_offered(const char *uri, const char *text)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = below("copy");
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_inbox_fetch(inbox, uri, 100, path, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_file_read(path, 100, &bytes, &err), SPIRA_OK);
    cr_assert_str_eq(bytes.data, text);
    cr_assert_eq(unlink(path), 0);
}

Test(inbox_filesystem, what_lies_in_it_is_offered_as_it_is)
{
    SPIRA_CLEANUP(spira_free_at)
    char *uri = offer("inbox/ward/../ward/a b.wav");
    cr_assert_str_eq(uri, "ward/a b.wav");
    expect_offered(uri, "sound");
    SPIRA_CLEANUP(spira_free_at)
    char *target = below("inbox/ward/a b.wav");
    SPIRA_CLEANUP(spira_free_at)
    char *link_path = below("link.wav");
    cr_assert_eq(symlink(target, link_path), 0);
    SPIRA_CLEANUP(spira_free_at)
    char *by_link = offer("link.wav");
    cr_assert_str_eq(by_link, uri);
}

Test(inbox_filesystem, another_file_is_copied_once_and_again_when_the_copy_is_another)
{
    SPIRA_CLEANUP(spira_free_at)
    char *uri = offer("secret.wav");
    SPIRA_CLEANUP(spira_free_at)
    char *wanted = spira_format("added/%s.wav", digest.hex);
    cr_assert_str_eq(uri, wanted);
    expect_offered(uri, "secret");
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/inbox/%s", top, uri);
    struct stat first, second;
    cr_assert_eq(stat(path, &first), 0);
    free(offer("secret.wav"));
    cr_assert_eq(stat(path, &second), 0);
    cr_assert_eq(first.st_ino, second.st_ino);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(spira_file_write(path, "altered", 7, &err), SPIRA_OK);
    free(offer("secret.wav"));
    expect_offered(uri, "secret");
}

Test(inbox_filesystem, only_a_plain_extension_is_kept)
{
    static const struct {
        const char *name, *extension;
    } cases[] = {
        {"x.FLAC", ".FLAC"}, {"x", ""}, {"x.", ""}, {"x.way too long", ""}, {"x.a\nb", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(cases[i].name, "x");
        SPIRA_CLEANUP(spira_free_at)
        char *uri = offer(cases[i].name);
        SPIRA_CLEANUP(spira_free_at)
        char *wanted = spira_format("added/%s%s", digest.hex, cases[i].extension);
        cr_assert_str_eq(uri, wanted);
    }
}

Test(inbox_filesystem, what_is_no_file_is_not_offered)
{
    SPIRA_CLEANUP(spira_free_at)
    char *folder = below("inbox");
    SPIRA_CLEANUP(spira_free_at)
    char *missing = below("missing.wav");
    char *uri = NULL;
    cr_assert_eq(spira_inbox_offer(inbox, missing, &digest, &uri, &err), SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, "missing.wav"));
    cr_assert_eq(spira_inbox_offer(inbox, folder, &digest, &uri, &err), SPIRA_EINVALID);
    cr_assert_null(uri);
    /* "added" is somebody's file: nothing can be put there. */
    write_text("inbox/added", "in the way");
    SPIRA_CLEANUP(spira_free_at)
    char *secret = below("secret.wav");
    cr_assert_eq(spira_inbox_offer(inbox, secret, &digest, &uri, &err), SPIRA_EIO);
    cr_assert_null(uri);
}
