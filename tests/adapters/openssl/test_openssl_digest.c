#include <criterion/criterion.h>
#include <unistd.h>

#include "adapters/openssl/openssl_digest.h"
#include "core/base/file.h"

/* The examples of FIPS 180-4 (NIST, "Example Values"). */
Test(openssl_digest, gives_the_published_answers)
{
    struct spira_digest digest = spira_digest_openssl();
    cr_assert_str_eq(spira_digest_bytes(digest, "abc", 3).hex,
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_str_eq(spira_digest_bytes(digest, "", 0).hex,
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert(spira_sha256_valid(spira_digest_bytes(digest, "abc", 3).hex));
    cr_assert(!spira_sha256_valid("ABC"));
}

Test(openssl_digest, pieces_give_the_digest_of_the_whole)
{
    struct spira_digest digest = spira_digest_openssl();
    const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    void *running = digest.ops->begin(digest.self);
    digest.ops->update(running, text, 10);
    digest.ops->update(running, text + 10, sizeof text - 1 - 10);
    cr_assert_str_eq(digest.ops->finish(running).hex,
                     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

Test(openssl_digest, a_file_gives_the_digest_and_count_of_its_bytes)
{
    struct spira_digest digest = spira_digest_openssl();
    struct spira_error err;
    char path[] = "/tmp/spira-test-digest-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "abc", 3), 3);
    close(fd);
    struct spira_sha256 sha256;
    uint64_t size = 0;
    cr_assert_eq(spira_digest_file(digest, path, &sha256, &size, &err), SPIRA_OK);
    cr_assert_eq(size, 3);
    cr_assert_str_eq(sha256.hex, spira_digest_bytes(digest, "abc", 3).hex);
    unlink(path);
    cr_assert_eq(spira_digest_file(digest, path, &sha256, NULL, &err), SPIRA_ENOTFOUND);
}
