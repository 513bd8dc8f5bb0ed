/* Port: SHA-256 (FIPS 180-4). Adapters: adapters/openssl. */
#ifndef SPIRA_CORE_PORTS_DIGEST_H
#define SPIRA_CORE_PORTS_DIGEST_H

#include <stdbool.h>

#include "core/base/memory.h"

/* A digest in lower-case hex; the empty text where there is none. */
struct spira_sha256 {
    char hex[65];
};

struct spira_digest_ops {
    /* A new running digest, never NULL; ended by finish, which frees it. */
    void *(*begin)(void *self);
    void (*update)(void *running, const void *data, size_t size);
    struct spira_sha256 (*finish)(void *running);
};

/* Stateless and safe for any number of threads. */
struct spira_digest {
    const struct spira_digest_ops *ops;
    void *self;
};

/* The digest of size bytes. */
struct spira_sha256 spira_digest_bytes(struct spira_digest digest, const void *data, size_t size);

/* The digest of a file's bytes, and their count (ret_size may be NULL). SPIRA_ENOTFOUND, SPIRA_EIO.
 */
SPIRA_MUST_USE enum spira_code spira_digest_file(struct spira_digest digest, const char *path,
                                                 struct spira_sha256 *ret_sha256,
                                                 uint64_t *ret_size, struct spira_error *err);

/* 64 lower-case hex digits. */
bool spira_sha256_valid(const char *hex);

#endif
