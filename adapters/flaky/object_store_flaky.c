#include "adapters/flaky/object_store_flaky.h"

struct flaky_store {
    struct spira_object_store inner;
    struct spira_flaky_play play;
};

static enum spira_code put(void *self, const char *key, const void *data, size_t size,
                           struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "put", spira_store_put(flaky->inner, key, data, size, err),
                       err);
}

static enum spira_code put_file(void *self, const char *key, const char *path,
                                struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "put_file", spira_store_put_file(flaky->inner, key, path, err),
                       err);
}

static enum spira_code get(void *self, const char *key, size_t max_bytes,
                           struct spira_bytes *ret_bytes, struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "get",
                     spira_store_get(flaky->inner, key, max_bytes, ret_bytes, err), err);
}

static enum spira_code fetch(void *self, const char *key, const char *path, struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "fetch", spira_store_fetch(flaky->inner, key, path, err), err);
}

static enum spira_code stat_object(void *self, const char *key, uint64_t *ret_size,
                                   struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "stat", spira_store_stat(flaky->inner, key, ret_size, err), err);
}

static enum spira_code list(void *self, const char *prefix, spira_key_visit *visit, void *context,
                            struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "list",
                     spira_store_list(flaky->inner, prefix, visit, context, err), err);
}

static enum spira_code remove_object(void *self, const char *key, struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "remove", spira_store_remove(flaky->inner, key, err), err);
}

static enum spira_code swap(void *self, const char *key, const struct spira_sha256 *expected,
                            const void *data, size_t size, struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_CHANGE(&flaky->play, "swap",
                       spira_store_swap(flaky->inner, key, expected, data, size, err), err);
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    struct flaky_store *flaky = self;
    SPIRA_FLAKY_READ(&flaky->play, "probe", spira_store_probe(flaky->inner, err), err);
}

static void close_flaky(void *self)
{
    struct flaky_store *flaky = self;
    spira_object_store_done(&flaky->inner);
    free(flaky);
}

struct spira_object_store spira_object_store_flaky(struct spira_object_store inner,
                                                   struct spira_flaky_script *scripts, size_t count)
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
                                                      .close = close_flaky};
    struct flaky_store *flaky = spira_alloc(1, sizeof *flaky);
    *flaky = (struct flaky_store){.inner = inner, .play = {scripts, count}};
    return (struct spira_object_store){.ops = &ops, .self = flaky};
}
