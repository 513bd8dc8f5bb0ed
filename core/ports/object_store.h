/* Port: objects under keys. Adapters: adapters/filesystem, adapters/memory, adapters/flaky.
 * An object never changes (but the one kind that swap is for). Keys: parts of [A-Za-z0-9._~-] that
 * do not begin with '.' and have at most 255 bytes, joined by '/', at most 512 bytes in all; any
 * other is SPIRA_EINVALID. No key is the folder of another ("a" beside "a/b"): whether a store
 * refuses the second is its own affair. */
#ifndef SPIRA_CORE_PORTS_OBJECT_STORE_H
#define SPIRA_CORE_PORTS_OBJECT_STORE_H

#include <stdbool.h>

#include "core/base/memory.h"
#include "core/ports/digest.h"

enum { SPIRA_KEY_MAX = 512, SPIRA_KEY_PART_MAX = 255 };

/* Called for each key of a listing, in the order of their bytes; returns false to end it. Borrows
 * key. May call the store: the listing was made before the first call. */
typedef bool spira_key_visit(void *context, const char *key, uint64_t size);

struct spira_object_store_ops {
    /* Stores bytes under key, whole and durable or not at all. The same key with the same bytes is
     * success (a redelivery); with other bytes SPIRA_EDETERMINISM, and the first stay. SPIRA_EIO (a
     * full disk too), SPIRA_EUNREACHABLE: nothing was written. */
    enum spira_code (*put)(void *self, const char *key, const void *data, size_t size,
                           struct spira_error *err);
    /* The same for a local file, which must not change meanwhile. */
    enum spira_code (*put_file)(void *self, const char *key, const char *path,
                                struct spira_error *err);
    /* Gives the object's bytes, with a zero byte behind them (not counted). SPIRA_ENOTFOUND;
     * SPIRA_ETOOBIG above max_bytes. */
    enum spira_code (*get)(void *self, const char *key, size_t max_bytes,
                           struct spira_bytes *ret_bytes, struct spira_error *err);
    /* Makes path a read-only local copy; it may share storage with the object, so never write to
     * it. SPIRA_ENOTFOUND: no such object, or no folder for path. SPIRA_EINVALID: path is there
     * already. On failure path is not made. */
    enum spira_code (*fetch)(void *self, const char *key, const char *path,
                             struct spira_error *err);
    /* SPIRA_ENOTFOUND; ret_size may be NULL. */
    enum spira_code (*stat)(void *self, const char *key, uint64_t *ret_size,
                            struct spira_error *err);
    /* Visits every key that begins with prefix ("" is all; it need not end at a '/').
     * SPIRA_EINVALID: no key can begin so. */
    enum spira_code (*list)(void *self, const char *prefix, spira_key_visit *visit, void *context,
                            struct spira_error *err);
    /* None there is success. */
    enum spira_code (*remove)(void *self, const char *key, struct spira_error *err);
    /* For moving objects: replaces what has the digest expected (NULL: nothing may be there) by
     * these bytes, in one step against every other swap. SPIRA_ECONFLICT: something else is there,
     * nothing changed. When an answer was lost, the repeat is a conflict too: get tells whose bytes
     * are there. */
    enum spira_code (*swap)(void *self, const char *key, const struct spira_sha256 *expected,
                            const void *data, size_t size, struct spira_error *err);
    /* Answers whether the store can be used now; the message names its address. */
    enum spira_code (*probe)(void *self, struct spira_error *err);
    void (*close)(void *self);
};

/* Safe for any number of threads and processes. */
struct spira_object_store {
    const struct spira_object_store_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code spira_store_put(struct spira_object_store store,
                                                             const char *key, const void *data,
                                                             size_t size, struct spira_error *err)
{
    return store.ops->put(store.self, key, data, size, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_store_put_file(struct spira_object_store store,
                                                                  const char *key, const char *path,
                                                                  struct spira_error *err)
{
    return store.ops->put_file(store.self, key, path, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_store_get(struct spira_object_store store,
                                                             const char *key, size_t max_bytes,
                                                             struct spira_bytes *ret_bytes,
                                                             struct spira_error *err)
{
    return store.ops->get(store.self, key, max_bytes, ret_bytes, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_store_fetch(struct spira_object_store store,
                                                               const char *key, const char *path,
                                                               struct spira_error *err)
{
    return store.ops->fetch(store.self, key, path, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_store_stat(struct spira_object_store store,
                                                              const char *key, uint64_t *ret_size,
                                                              struct spira_error *err)
{
    return store.ops->stat(store.self, key, ret_size, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_store_list(struct spira_object_store store,
                                                              const char *prefix,
                                                              spira_key_visit *visit, void *context,
                                                              struct spira_error *err)
{
    return store.ops->list(store.self, prefix, visit, context, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_store_remove(struct spira_object_store store, const char *key, struct spira_error *err)
{
    return store.ops->remove(store.self, key, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_store_swap(struct spira_object_store store,
                                                              const char *key,
                                                              const struct spira_sha256 *expected,
                                                              const void *data, size_t size,
                                                              struct spira_error *err)
{
    return store.ops->swap(store.self, key, expected, data, size, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_store_probe(struct spira_object_store store,
                                                               struct spira_error *err)
{
    return store.ops->probe(store.self, err);
}

/* For SPIRA_CLEANUP; a zeroed store is fine. */
static inline void spira_object_store_done(struct spira_object_store *store)
{
    if (store->ops)
        store->ops->close(store->self);
    store->ops = NULL;
}

/* Whether a key has the form above; whether a key can begin so. */
bool spira_key_valid(const char *key);
bool spira_key_prefix_valid(const char *prefix);

#endif
