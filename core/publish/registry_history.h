/* Inside of the registry: how the champion changes. For core/publish/ only. */
#ifndef SPIRA_CORE_PUBLISH_REGISTRY_HISTORY_H
#define SPIRA_CORE_PUBLISH_REGISTRY_HISTORY_H

#include "core/publish/registry.h"

/* Gives a document of the registry, and the digest of its bytes (may be NULL). Codes of the store;
 * SPIRA_EINVALID when it is no JSON. */
SPIRA_MUST_USE enum spira_code spira_registry_read(const struct spira_registry *registry,
                                                   const char *key,
                                                   struct spira_value **ret_document,
                                                   struct spira_sha256 *ret_sha256,
                                                   struct spira_error *err);

/* Writes into the history that version was published, unless it says so, and moves the champion to
 * the newest entry it can see. Safe against others doing the same. */
SPIRA_MUST_USE enum spira_code spira_history_publish(const struct spira_registry *registry,
                                                     const char *model, int64_t version,
                                                     const char *sha256, struct spira_error *err);

#endif
