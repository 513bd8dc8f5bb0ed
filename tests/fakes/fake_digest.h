/* A digest for unit tests, which link no adapter: 64 hex digits that depend on every byte, and no
 * more than that. */
#ifndef SPIRA_TESTS_FAKES_FAKE_DIGEST_H
#define SPIRA_TESTS_FAKES_FAKE_DIGEST_H

#include "core/ports/digest.h"

static inline void *fake_digest_begin(void *self)
{
    (void)self;
    uint64_t *running = spira_alloc(1, sizeof *running);
    *running = 0xcbf29ce484222325;
    return running;
}

static inline void fake_digest_update(void *running, const void *data, size_t size)
{
    uint64_t *hash = running;
    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3;
}

static inline struct spira_sha256 fake_digest_finish(void *running)
{
    uint64_t hash = *(uint64_t *)running;
    free(running);
    struct spira_sha256 sha256;
    snprintf(sha256.hex, sizeof sha256.hex, "%064jx", (uintmax_t)hash);
    return sha256;
}

static inline struct spira_digest fake_digest(void)
{
    static const struct spira_digest_ops ops = {fake_digest_begin, fake_digest_update,
                                                fake_digest_finish};
    return (struct spira_digest){&ops, NULL};
}

#endif
