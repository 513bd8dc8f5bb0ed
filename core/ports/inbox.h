/* Port: where collected recordings wait to be taken in. Adapters: adapters/filesystem (a mounted
 * folder). */
#ifndef SPIRA_CORE_PORTS_INBOX_H
#define SPIRA_CORE_PORTS_INBOX_H

#include <stdint.h>

#include "core/ports/digest.h"

struct spira_inbox_ops {
    /* Makes path a local copy of what uri (of audio.collected) names. SPIRA_ENOTFOUND: there is no
     * such thing. SPIRA_EINVALID: it leads out of the inbox, or is no regular file. SPIRA_ETOOBIG
     * above max_bytes. SPIRA_EUNSUPPORTED: it is there, but may not be read. SPIRA_EIO and other
     * transient codes: nobody's fault, try again. On failure path is not made. */
    enum spira_code (*fetch)(void *self, const char *uri, uint64_t max_bytes, const char *path,
                             struct spira_error *err);
    /* Makes a local file one that fetch finds, durably, and gives its uri, freed with free(). A
     * file that is in the inbox already is named as it is; of any other a copy is made whose name
     * follows from its digest, sha256: offered again it is the same uri. SPIRA_EINVALID: it is no
     * regular file. SPIRA_ENOTFOUND, SPIRA_EIO (a full disk too): nothing was offered. */
    enum spira_code (*offer)(void *self, const char *path, const struct spira_sha256 *sha256,
                             char **ret_uri, struct spira_error *err);
    void (*close)(void *self);
};

/* Safe for any number of threads. */
struct spira_inbox {
    const struct spira_inbox_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code spira_inbox_fetch(struct spira_inbox inbox,
                                                               const char *uri, uint64_t max_bytes,
                                                               const char *path,
                                                               struct spira_error *err)
{
    return inbox.ops->fetch(inbox.self, uri, max_bytes, path, err);
}

SPIRA_MUST_USE static inline enum spira_code
spira_inbox_offer(struct spira_inbox inbox, const char *path, const struct spira_sha256 *sha256,
                  char **ret_uri, struct spira_error *err)
{
    return inbox.ops->offer(inbox.self, path, sha256, ret_uri, err);
}

/* For SPIRA_CLEANUP; a zeroed inbox is fine. */
static inline void spira_inbox_done(struct spira_inbox *inbox)
{
    if (inbox->ops)
        inbox->ops->close(inbox->self);
    inbox->ops = NULL;
}

#endif
