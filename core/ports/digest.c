#include "core/ports/digest.h"

#include <errno.h>

struct spira_sha256 spira_digest_bytes(struct spira_digest digest, const void *data, size_t size)
{
    void *running = digest.ops->begin(digest.self);
    digest.ops->update(running, data, size);
    return digest.ops->finish(running);
}

enum spira_code spira_digest_file(struct spira_digest digest, const char *path,
                                  struct spira_sha256 *ret_sha256, uint64_t *ret_size,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = fopen(path, "rbe");
    if (!file)
        return spira_fail_errno(err, errno, "%s", path);
    void *running = digest.ops->begin(digest.self);
    uint64_t size = 0;
    char block[1 << 16];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0; size += got)
        digest.ops->update(running, block, got);
    int failed = ferror(file) ? errno : 0;
    struct spira_sha256 sha256 = digest.ops->finish(running);
    if (failed)
        return spira_fail_errno(err, failed, "%s", path);
    *ret_sha256 = sha256;
    if (ret_size)
        *ret_size = size;
    return SPIRA_OK;
}

bool spira_sha256_valid(const char *hex)
{
    return strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64;
}
