#include "adapters/openssl/openssl_digest.h"

#include <assert.h>
#include <openssl/evp.h>

/* libcrypto's digests fail only without memory or without its default provider: neither is
 * something a caller could handle, so both stop the process. */

static void *begin(void *self)
{
    (void)self;
    EVP_MD_CTX *running = EVP_MD_CTX_new();
    assert(running);
    int done = EVP_DigestInit_ex(running, EVP_sha256(), NULL);
    assert(done);
    return running;
}

static void update(void *running, const void *data, size_t size)
{
    int done = EVP_DigestUpdate(running, data, size);
    assert(done);
}

static struct spira_sha256 finish(void *running)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int done = EVP_DigestFinal_ex(running, bytes, &size);
    assert(done && size == 32);
    EVP_MD_CTX_free(running);
    struct spira_sha256 sha256;
    for (unsigned i = 0; i < size; i++)
        snprintf(sha256.hex + 2 * i, 3, "%02x", bytes[i]);
    return sha256;
}

static const struct spira_digest_ops ops = {.begin = begin, .update = update, .finish = finish};

struct spira_digest spira_digest_openssl(void)
{
    return (struct spira_digest){.ops = &ops};
}
