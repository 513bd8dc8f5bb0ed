/* What every object store does. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/filesystem/object_store_filesystem.h"
#include "adapters/flaky/object_store_flaky.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/openssl/openssl_digest.h"
#include "tests/contract/contract.h"

struct object_store_case {
    struct spira_object_store store;
    struct spira_digest digest;
    char folder[64]; /* scratch, removed afterwards */
};

static void open_scratch(struct object_store_case *subject)
{
    subject->digest = spira_digest_openssl();
    snprintf(subject->folder, sizeof subject->folder, "/tmp/spira-store-contract-XXXXXX");
    cr_assert(mkdtemp(subject->folder));
}

static void open_memory(struct object_store_case *subject)
{
    open_scratch(subject);
    subject->store = spira_object_store_memory(subject->digest);
}

static void open_filesystem(struct object_store_case *subject)
{
    open_scratch(subject);
    SPIRA_CLEANUP(spira_free_at)
    char *root = spira_format("%s/store", subject->folder);
    must(spira_object_store_filesystem(root, subject->digest, &subject->store, &err));
}

/* Without a script: every call goes through. */
static void open_flaky(struct object_store_case *subject)
{
    open_memory(subject);
    subject->store = spira_object_store_flaky(subject->store, NULL, 0);
}

static void object_store_close(struct object_store_case *subject)
{
    spira_object_store_done(&subject->store);
    must(spira_tree_remove(subject->folder, &err));
}

CONTRACT_ADAPTERS(object_store, {"memory", open_memory}, {"filesystem", open_filesystem},
                  {"flaky", open_flaky})

static void put_text(struct spira_object_store store, const char *key, const char *text)
{
    must(spira_store_put(store, key, text, strlen(text), &err));
}

static void expect(struct spira_object_store store, const char *key, const void *data, size_t size)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    must(spira_store_get(store, key, size, &bytes, &err));
    cr_assert_eq(bytes.size, size, "%s has %zu bytes, not %zu", key, bytes.size, size);
    cr_assert_arr_eq(bytes.data, data, size);
    cr_assert_eq(((char *)bytes.data)[size], '\0');
}

static void expect_text(struct spira_object_store store, const char *key, const char *text)
{
    expect(store, key, text, strlen(text));
}

CONTRACT(object_store, what_is_put_is_got)
{
    static unsigned char large[300001];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (unsigned char)(i * 2654435761u >> 11);
    must(spira_store_put(subject->store, "large", large, sizeof large, &err));
    must(spira_store_put(subject->store, "deep/in/the~tree/empty", NULL, 0, &err));
    put_text(subject->store, "deep/in/small.txt", "a\nb");
    expect(subject->store, "large", large, sizeof large);
    expect(subject->store, "deep/in/the~tree/empty", "", 0);
    expect_text(subject->store, "deep/in/small.txt", "a\nb");
    uint64_t size = 0;
    must(spira_store_stat(subject->store, "large", &size, &err));
    cr_assert_eq(size, sizeof large);
    must(spira_store_stat(subject->store, "deep/in/small.txt", NULL, &err));
    must(spira_store_probe(subject->store, &err));
}

CONTRACT(object_store, the_same_bytes_again_are_success_and_others_an_alarm)
{
    put_text(subject->store, "a/b", "first");
    put_text(subject->store, "a/b", "first");
    static const char *const others[] = {"First", "firs", "first.", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        must_fail(spira_store_put(subject->store, "a/b", others[i], strlen(others[i]), &err),
                  SPIRA_EDETERMINISM);
        expect_text(subject->store, "a/b", "first");
    }
}

CONTRACT(object_store, a_file_is_put_like_its_bytes)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/local", subject->folder);
    must(spira_file_write(path, "bytes", 5, &err));
    must(spira_store_put_file(subject->store, "from/file", path, &err));
    must(spira_store_put_file(subject->store, "from/file", path, &err));
    put_text(subject->store, "from/file", "bytes");
    must(spira_file_write(path, "other", 5, &err));
    must_fail(spira_store_put_file(subject->store, "from/file", path, &err), SPIRA_EDETERMINISM);
    expect_text(subject->store, "from/file", "bytes");
    must(spira_file_write(path, "", 0, &err));
    must(spira_store_put_file(subject->store, "from/empty", path, &err));
    expect(subject->store, "from/empty", "", 0);
    must_fail(spira_store_put_file(subject->store, "from/x", "/no/such/file", &err),
              SPIRA_ENOTFOUND);
    must_fail(spira_store_stat(subject->store, "from/x", NULL, &err), SPIRA_ENOTFOUND);
    must_fail(spira_store_put_file(subject->store, "from/x", subject->folder, &err),
              SPIRA_EINVALID);
}

CONTRACT(object_store, what_is_absent_or_too_big_leaves_the_result_alone)
{
    put_text(subject->store, "folder/object", "12345");
    struct spira_bytes bytes = {0};
    uint64_t size = 77;
    must_fail(spira_store_get(subject->store, "folder/none", 9, &bytes, &err), SPIRA_ENOTFOUND);
    must_fail(spira_store_get(subject->store, "none/at/all", 9, &bytes, &err), SPIRA_ENOTFOUND);
    must_fail(spira_store_get(subject->store, "folder", 9, &bytes, &err), SPIRA_ENOTFOUND);
    must_fail(spira_store_get(subject->store, "folder/object/below", 9, &bytes, &err),
              SPIRA_ENOTFOUND);
    must_fail(spira_store_get(subject->store, "folder/object", 4, &bytes, &err), SPIRA_ETOOBIG);
    must_fail(spira_store_stat(subject->store, "folder", &size, &err), SPIRA_ENOTFOUND);
    cr_assert_null(bytes.data);
    cr_assert_eq(size, 77);
}

static bool count_keys(void *context, const char *key, uint64_t size)
{
    (void)key;
    (void)size;
    ++*(size_t *)context;
    return true;
}

CONTRACT(object_store, a_wrong_key_is_refused_by_every_operation)
{
    char part[SPIRA_KEY_PART_MAX + 2], whole[SPIRA_KEY_MAX + 2];
    memset(part, 'p', sizeof part);
    part[sizeof part - 1] = '\0';
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = i % 2 ? '/' : 'k';
    whole[sizeof whole - 1] = '\0';
    const char *keys[] = {"",    "/a",   "a/",  "a//b", "..",  "a/../b",  ".",  "./a", ".hidden",
                          "a b", "a\\b", "a\n", "é",    "a:b", "a/.tmp-", part, whole};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/local", subject->folder);
    must(spira_file_write(path, "bytes", 5, &err));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *key = keys[i];
        struct spira_bytes bytes = {0};
        must_fail(spira_store_put(subject->store, key, "x", 1, &err), SPIRA_EINVALID);
        must_fail(spira_store_put_file(subject->store, key, path, &err), SPIRA_EINVALID);
        must_fail(spira_store_get(subject->store, key, 9, &bytes, &err), SPIRA_EINVALID);
        must_fail(spira_store_fetch(subject->store, key, "/tmp/x", &err), SPIRA_EINVALID);
        must_fail(spira_store_stat(subject->store, key, NULL, &err), SPIRA_EINVALID);
        must_fail(spira_store_remove(subject->store, key, &err), SPIRA_EINVALID);
        must_fail(spira_store_swap(subject->store, key, NULL, "x", 1, &err), SPIRA_EINVALID);
    }
    size_t count = 0;
    must_fail(spira_store_list(subject->store, "../", count_keys, &count, &err), SPIRA_EINVALID);
    must_fail(spira_store_list(subject->store, "/", count_keys, &count, &err), SPIRA_EINVALID);
    must(spira_store_list(subject->store, "", count_keys, &count, &err));
    cr_assert_eq(count, 0);
}

CONTRACT(object_store, the_longest_key_is_a_key)
{
    char key[SPIRA_KEY_MAX + 1];
    memset(key, 'k', sizeof key);
    key[SPIRA_KEY_PART_MAX] = '/';
    key[300] = '/';
    key[SPIRA_KEY_MAX] = '\0';
    put_text(subject->store, key, "far away");
    expect_text(subject->store, key, "far away");
    size_t count = 0;
    must(spira_store_list(subject->store, key, count_keys, &count, &err));
    cr_assert_eq(count, 1);
}

CONTRACT(object_store, a_fetched_object_is_a_read_only_file)
{
    put_text(subject->store, "a/b", "bytes");
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/fetched", subject->folder);
    must(spira_store_fetch(subject->store, "a/b", path, &err));
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    must(spira_file_read(path, 9, &bytes, &err));
    cr_assert_str_eq(bytes.data, "bytes");
    struct stat facts;
    cr_assert_eq(stat(path, &facts), 0);
    cr_assert_eq(facts.st_mode & 0777, 0444);
    must_fail(spira_store_fetch(subject->store, "a/b", path, &err), SPIRA_EINVALID);
    must(spira_store_remove(subject->store, "a/b", &err));
    cr_assert_eq(access(path, F_OK), 0);

    SPIRA_CLEANUP(spira_free_at)
    char *none = spira_format("%s/none", subject->folder);
    SPIRA_CLEANUP(spira_free_at)
    char *nowhere = spira_format("%s/no/folder", subject->folder);
    must_fail(spira_store_fetch(subject->store, "a/b", none, &err), SPIRA_ENOTFOUND);
    cr_assert_neq(access(none, F_OK), 0);
    put_text(subject->store, "a/b", "bytes");
    must_fail(spira_store_fetch(subject->store, "a/b", nowhere, &err), SPIRA_ENOTFOUND);
}

struct seen {
    struct spira_object_store store;
    size_t count, stop_at;
    char keys[16][64];
    uint64_t sizes[16];
};

/* Calls the store meanwhile: a listing holds no lock. */
static bool note(void *context, const char *key, uint64_t size)
{
    struct seen *seen = context;
    uint64_t found = 0;
    must(spira_store_stat(seen->store, key, &found, &err));
    cr_assert_eq(found, size);
    seen->sizes[seen->count] = size;
    snprintf(seen->keys[seen->count++], sizeof seen->keys[0], "%s", key);
    return seen->count != seen->stop_at;
}

static void expect_list(struct spira_object_store store, const char *prefix, size_t count,
                        const char *const *keys)
{
    struct seen seen = {.store = store};
    must(spira_store_list(store, prefix, note, &seen, &err));
    cr_assert_eq(seen.count, count, "%zu keys begin with '%s', not %zu", seen.count, prefix, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_str_eq(seen.keys[i], keys[i]);
}

CONTRACT(object_store, a_listing_is_in_the_order_of_bytes)
{
    /* '-' and '.' come before '/': the order of folders is not the order of keys */
    static const char *const keys[] = {"a-b/c",   "a.b",       "a/b",   "a/b-c/d",
                                       "a/b.c/d", "a/bc/deep", "a0/x",  "runs/1",
                                       "runs/10", "runs/2",    "runs2", "z"};
    size_t count = sizeof keys / sizeof *keys;
    for (size_t i = 0; i < count; i++)
        put_text(subject->store, keys[(i * 5 + 3) % count], "xy");
    expect_list(subject->store, "", count, keys);
    expect_list(subject->store, "a", 7, keys);
    expect_list(subject->store, "a/", 4, keys + 2);
    expect_list(subject->store, "a/b", 4, keys + 2);
    expect_list(subject->store, "a/bc/de", 1, keys + 5);
    expect_list(subject->store, "runs/", 3, keys + 7);
    expect_list(subject->store, "runs/1", 2, keys + 7);
    expect_list(subject->store, "runs", 4, keys + 7);
    expect_list(subject->store, "no", 0, NULL);
    expect_list(subject->store, "no/such/folder/", 0, NULL);
    expect_list(subject->store, "z/", 0, NULL);
    struct seen seen = {.store = subject->store, .stop_at = 2};
    must(spira_store_list(subject->store, "", note, &seen, &err));
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.sizes[0], 2);
}

CONTRACT(object_store, what_is_removed_is_gone_and_removing_again_is_fine)
{
    put_text(subject->store, "a/b", "one");
    must(spira_store_remove(subject->store, "a/b", &err));
    must(spira_store_remove(subject->store, "a/b", &err));
    must(spira_store_remove(subject->store, "never/was", &err));
    must_fail(spira_store_stat(subject->store, "a/b", NULL, &err), SPIRA_ENOTFOUND);
    expect_list(subject->store, "", 0, NULL);
    put_text(subject->store, "a/b", "other");
    must(spira_store_remove(subject->store, "a", &err));
    must(spira_store_remove(subject->store, "a/b/c", &err));
    expect_text(subject->store, "a/b", "other");
}

CONTRACT(object_store, a_swap_changes_only_what_it_expects)
{
    struct spira_object_store store = subject->store;
    struct spira_sha256 one = spira_digest_bytes(subject->digest, "one", 3);
    struct spira_sha256 two = spira_digest_bytes(subject->digest, "two", 3);
    must_fail(spira_store_swap(store, "r/champion", &one, "two", 3, &err), SPIRA_ECONFLICT);
    must_fail(spira_store_stat(store, "r/champion", NULL, &err), SPIRA_ENOTFOUND);
    must(spira_store_swap(store, "r/champion", NULL, "one", 3, &err));
    must_fail(spira_store_swap(store, "r/champion", NULL, "two", 3, &err), SPIRA_ECONFLICT);
    must_fail(spira_store_swap(store, "r/champion", &two, "two", 3, &err), SPIRA_ECONFLICT);
    expect_text(store, "r/champion", "one");
    must(spira_store_swap(store, "r/champion", &one, "two", 3, &err));
    expect_text(store, "r/champion", "two");
    must_fail(spira_store_swap(store, "r/champion", &one, "three", 5, &err), SPIRA_ECONFLICT);
    must(spira_store_swap(store, "r/champion", &two, "", 0, &err));
    expect(store, "r/champion", "", 0);
    static const char *const keys[] = {"r/champion"};
    expect_list(store, "", 1, keys);
}

enum { THREADS = 4, ROUNDS = 25 };

struct rivals {
    struct object_store_case *subject;
    int number;
    int won;
};

static void on_threads(struct object_store_case *subject, void *(*act)(void *),
                       struct rivals rivals[THREADS])
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        rivals[i] = (struct rivals){.subject = subject, .number = i};
        cr_assert_eq(pthread_create(&threads[i], NULL, act, &rivals[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void *put_same_and_own(void *context)
{
    struct rivals *rival = context;
    struct spira_object_store store = rival->subject->store;
    char same[5000], own[5000];
    memset(same, 's', sizeof same);
    memset(own, 'a' + rival->number, sizeof own);
    for (int round = 0; round < ROUNDS; round++) {
        struct spira_error why;
        char key[64];
        snprintf(key, sizeof key, "same/%d/object", round);
        must(spira_store_put(store, key, same, sizeof same, &err));
        snprintf(key, sizeof key, "own/%d/object", round);
        enum spira_code code = spira_store_put(store, key, own, sizeof own, &why);
        cr_assert(code == SPIRA_OK || code == SPIRA_EDETERMINISM);
        rival->won += code == SPIRA_OK;
    }
    return NULL;
}

CONTRACT(object_store, of_threads_that_put_one_key_one_wins)
{
    struct rivals rivals[THREADS];
    on_threads(subject, put_same_and_own, rivals);
    int won = 0;
    for (int i = 0; i < THREADS; i++)
        won += rivals[i].won;
    cr_assert_eq(won, ROUNDS);
    size_t count = 0;
    must(spira_store_list(subject->store, "", count_keys, &count, &err));
    cr_assert_eq(count, 2 * ROUNDS);
}

/* Adds one to the number in the object "counter", again and again until nobody came between. */
static void count_up(struct object_store_case *subject)
{
    for (;;) {
        struct spira_error err;
        SPIRA_CLEANUP(spira_bytes_done)
        struct spira_bytes bytes = {0};
        enum spira_code code = spira_store_get(subject->store, "counter", 64, &bytes, &err);
        cr_assert(code == SPIRA_OK || code == SPIRA_ENOTFOUND);
        struct spira_sha256 found = {""};
        if (code == SPIRA_OK)
            found = spira_digest_bytes(subject->digest, bytes.data, bytes.size);
        char text[32];
        snprintf(text, sizeof text, "%ld", code == SPIRA_OK ? strtol(bytes.data, NULL, 10) + 1 : 1);
        enum spira_code swapped = spira_store_swap(
            subject->store, "counter", code == SPIRA_OK ? &found : NULL, text, strlen(text), &err);
        if (swapped == SPIRA_OK)
            return;
        cr_assert_eq(swapped, SPIRA_ECONFLICT);
    }
}

static void *count_rounds(void *context)
{
    struct rivals *rival = context;
    for (int round = 0; round < ROUNDS; round++)
        count_up(rival->subject);
    return NULL;
}

CONTRACT(object_store, no_increment_by_swap_is_lost_between_threads)
{
    struct rivals rivals[THREADS];
    on_threads(subject, count_rounds, rivals);
    expect_text(subject->store, "counter", "100");
}
