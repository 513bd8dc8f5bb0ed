/* A filesystem store in a folder of its own under /tmp, for a test. */
#ifndef SPIRA_TESTS_ADAPTERS_FILESYSTEM_SCRATCH_STORE_H
#define SPIRA_TESTS_ADAPTERS_FILESYSTEM_SCRATCH_STORE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/filesystem/object_store_filesystem.h"
#include "adapters/openssl/openssl_digest.h"
#include "core/base/file.h"

struct scratch {
    struct spira_object_store store;
    char folder[64]; /* holds the store's root and whatever else a test needs */
    char root[80];
};

static inline struct scratch scratch_open(void)
{
    struct scratch scratch = {.folder = "/tmp/spira-test-store-XXXXXX"};
    struct spira_error err = {0};
    cr_assert(mkdtemp(scratch.folder));
    snprintf(scratch.root, sizeof scratch.root, "%s/store", scratch.folder);
    cr_assert_eq(
        spira_object_store_filesystem(scratch.root, spira_digest_openssl(), &scratch.store, &err),
        SPIRA_OK, "%s", err.message);
    return scratch;
}

static inline void scratch_close(struct scratch *scratch)
{
    struct spira_error err;
    spira_object_store_done(&scratch->store);
    cr_assert_eq(spira_tree_remove(scratch->folder, &err), SPIRA_OK);
}

/* Everything below the root but folders, objects or not, that list does not show and the locks are
 * not: what a failed put left behind. */
static inline int scratch_leftovers(const struct scratch *scratch)
{
    SPIRA_CLEANUP(spira_free_at)
    char *command = spira_format("exit $(find %s -type f -name '.tmp-*' | wc -l)", scratch->root);
    int status = system(command);
    return status / 256;
}

static inline bool scratch_note(void *context, const char *key, uint64_t size)
{
    (void)size;
    char *all = context;
    snprintf(all + strlen(all), 256 - strlen(all), "%s ", key);
    return true;
}

/* Every key of the store, each followed by a space. */
static inline const char *scratch_keys(const struct scratch *scratch)
{
    static char all[256];
    struct spira_error err = {0};
    all[0] = '\0';
    cr_assert_eq(spira_store_list(scratch->store, "", scratch_note, all, &err), SPIRA_OK, "%s",
                 err.message);
    return all;
}

#endif
