#include "adapters/memory/object_store_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <unistd.h>

#include "core/base/file.h"

/* The objects are a tsearch tree ordered by key. */
struct object {
    char *key;
    void *data;
    size_t size;
};

struct memory_store {
    pthread_mutex_t lock; /* guards objects */
    void *objects;
    struct spira_digest digest;
};

static int by_key(const void *a, const void *b)
{
    const struct object *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static void free_object(void *node)
{
    struct object *object = node;
    free(object->key);
    free(object->data);
    free(object);
}

static enum spira_code check_key(const char *key, struct spira_error *err)
{
    if (!spira_key_valid(key))
        return spira_fail(err, SPIRA_EINVALID, "%s: not a valid object key", key);
    return SPIRA_OK;
}

static enum spira_code not_found(const char *key, struct spira_error *err)
{
    return spira_fail(err, SPIRA_ENOTFOUND, "%s: no such object in the memory store", key);
}

/* NULL when there is none. The lock is held. */
static struct object *find(struct memory_store *store, const char *key)
{
    struct object **node = tfind(&(struct object){.key = (char *)key}, &store->objects, by_key);
    return node ? *node : NULL;
}

static enum spira_code new_object(const char *key, const void *data, size_t size,
                                  struct object **ret_object, struct spira_error *err)
{
    void *copy = NULL;
    enum spira_code code = spira_big_alloc(&copy, size, 1, key, err);
    if (code != SPIRA_OK)
        return code;
    if (size)
        memcpy(copy, data, size);
    struct object *object = spira_alloc(1, sizeof *object);
    *object = (struct object){.key = spira_copy_text(key), .data = copy, .size = size};
    *ret_object = object;
    return SPIRA_OK;
}

static enum spira_code put(void *self, const char *key, const void *data, size_t size,
                           struct spira_error *err)
{
    struct memory_store *store = self;
    struct object *object = NULL;
    enum spira_code code = check_key(key, err);
    if (code == SPIRA_OK)
        code = new_object(key, data, size, &object, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&store->lock);
    struct object **node = tsearch(object, &store->objects, by_key);
    if (!node)
        code = spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for one more object", key);
    else if (*node != object && ((*node)->size != size || memcmp((*node)->data, data, size) != 0))
        code = spira_fail(err, SPIRA_EDETERMINISM, "%s: is there with other bytes", key);
    bool stored = node && *node == object;
    pthread_mutex_unlock(&store->lock);
    if (!stored)
        free_object(object);
    return code;
}

static enum spira_code put_file(void *self, const char *key, const char *path,
                                struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = check_key(key, err);
    if (code == SPIRA_OK)
        code = spira_file_read(path, PTRDIFF_MAX, &bytes, err);
    return code == SPIRA_OK ? put(self, key, bytes.data, bytes.size, err) : code;
}

static enum spira_code get(void *self, const char *key, size_t max_bytes,
                           struct spira_bytes *ret_bytes, struct spira_error *err)
{
    struct memory_store *store = self;
    enum spira_code code = check_key(key, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&store->lock);
    struct object *object = find(store, key);
    void *copy = NULL;
    if (!object)
        code = not_found(key, err);
    else if (object->size > max_bytes)
        code = spira_fail(err, SPIRA_ETOOBIG, "%s: %zu bytes, more than the %zu allowed", key,
                          object->size, max_bytes);
    else
        code = spira_big_alloc(&copy, object->size + 1, 1, key, err);
    if (code == SPIRA_OK) {
        memcpy(copy, object->data, object->size);
        *ret_bytes = (struct spira_bytes){.data = copy, .size = object->size};
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

static enum spira_code write_new_file(const char *path, const struct spira_bytes *bytes,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0 && errno == EEXIST)
        return spira_fail(err, SPIRA_EINVALID, "%s: is there already", path);
    if (fd < 0)
        return spira_fail_errno(err, errno, "%s", path);
    for (size_t done = 0; done < bytes->size;) {
        ssize_t count = write(fd, (const char *)bytes->data + done, bytes->size - done);
        if (count < 0 && errno != EINTR) {
            enum spira_code code = spira_fail_errno(err, errno, "%s", path);
            unlink(path);
            return code;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return SPIRA_OK;
}

static enum spira_code fetch(void *self, const char *key, const char *path, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = get(self, key, SIZE_MAX, &bytes, err);
    return code == SPIRA_OK ? write_new_file(path, &bytes, err) : code;
}

static enum spira_code stat_object(void *self, const char *key, uint64_t *ret_size,
                                   struct spira_error *err)
{
    struct memory_store *store = self;
    enum spira_code code = check_key(key, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&store->lock);
    struct object *object = find(store, key);
    if (object && ret_size)
        *ret_size = object->size;
    pthread_mutex_unlock(&store->lock);
    return object ? SPIRA_OK : not_found(key, err);
}

/* What a listing found: keys in order, with their sizes. */
struct listing {
    const char *prefix;
    struct {
        char *key;
        uint64_t size;
    } * items;
    size_t count;
};

static void collect(const void *node, VISIT which, void *context)
{
    const struct object *object = *(struct object *const *)node;
    struct listing *listing = context;
    if ((which != postorder && which != leaf) ||
        strncmp(object->key, listing->prefix, strlen(listing->prefix)) != 0)
        return;
    listing->items = spira_realloc(listing->items, listing->count + 1, sizeof *listing->items);
    listing->items[listing->count].key = spira_copy_text(object->key);
    listing->items[listing->count++].size = object->size;
}

static enum spira_code list(void *self, const char *prefix, spira_key_visit *visit, void *context,
                            struct spira_error *err)
{
    struct memory_store *store = self;
    if (!spira_key_prefix_valid(prefix))
        return spira_fail(err, SPIRA_EINVALID, "%s: no object key begins so", prefix);
    struct listing listing = {.prefix = prefix};
    pthread_mutex_lock(&store->lock);
    twalk_r(store->objects, collect, &listing);
    pthread_mutex_unlock(&store->lock);
    bool more = true;
    for (size_t i = 0; i < listing.count; i++) {
        more = more && visit(context, listing.items[i].key, listing.items[i].size);
        free(listing.items[i].key);
    }
    free(listing.items);
    return SPIRA_OK;
}

static enum spira_code remove_object(void *self, const char *key, struct spira_error *err)
{
    struct memory_store *store = self;
    enum spira_code code = check_key(key, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&store->lock);
    struct object *object = find(store, key);
    if (object)
        tdelete(object, &store->objects, by_key);
    pthread_mutex_unlock(&store->lock);
    if (object)
        free_object(object);
    return SPIRA_OK;
}

/* Whether what is there (object, or NULL for nothing) is what a swap expects. */
static bool is_expected(struct memory_store *store, const struct object *object,
                        const struct spira_sha256 *expected)
{
    if (!object || !expected)
        return !object && !expected;
    struct spira_sha256 found = spira_digest_bytes(store->digest, object->data, object->size);
    return strcmp(found.hex, expected->hex) == 0;
}

static enum spira_code swap(void *self, const char *key, const struct spira_sha256 *expected,
                            const void *data, size_t size, struct spira_error *err)
{
    struct memory_store *store = self;
    struct object *object = NULL;
    enum spira_code code = check_key(key, err);
    if (code == SPIRA_OK)
        code = new_object(key, data, size, &object, err);
    if (code != SPIRA_OK)
        return code;
    pthread_mutex_lock(&store->lock);
    struct object *older = find(store, key);
    struct object **node = NULL;
    if (!is_expected(store, older, expected))
        code = spira_fail(err, SPIRA_ECONFLICT, "%s: somebody else changed it first", key);
    else if (!(node = tsearch(object, &store->objects, by_key)))
        code = spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for one more object", key);
    else
        *node = object; /* the key is the same, so the order is kept */
    pthread_mutex_unlock(&store->lock);
    struct object *dropped = code == SPIRA_OK ? older : object;
    if (dropped)
        free_object(dropped);
    return code;
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    (void)self;
    (void)err;
    return SPIRA_OK;
}

static void close_store(void *self)
{
    struct memory_store *store = self;
    tdestroy(store->objects, free_object);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

struct spira_object_store spira_object_store_memory(struct spira_digest digest)
{
    static const struct spira_object_store_ops ops = {.put = put,
                                                      .put_file = put_file,
                                                      .get = get,
                                                      .fetch = fetch,
                                                      .stat = stat_object,
                                                      .list = list,
                                                      .remove = remove_object,
                                                      .swap = swap,
                                                      .probe = probe,
                                                      .close = close_store};
    struct memory_store *store = spira_alloc(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    store->digest = digest;
    return (struct spira_object_store){.ops = &ops, .self = store};
}
