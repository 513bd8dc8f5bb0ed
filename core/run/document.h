/* References and small JSON documents in the object store. */
#ifndef SPIRA_CORE_RUN_DOCUMENT_H
#define SPIRA_CORE_RUN_DOCUMENT_H

#include "core/base/value.h"
#include "core/ports/config_source.h"
#include "core/ports/digest.h"
#include "core/ports/object_store.h"

enum { SPIRA_DOCUMENT_MAX_BYTES = 1 << 30 };

/* What events carry instead of data: {"key", "sha256", "bytes"}. Never NULL; free with
 * spira_value_free. */
struct spira_value *spira_reference(const char *key, const char *sha256, uint64_t bytes);

/* Puts a document (pretty JSON) under key and gives its reference. Codes of spira_store_put. */
SPIRA_MUST_USE enum spira_code spira_document_put(struct spira_object_store store,
                                                  struct spira_digest digest, const char *key,
                                                  const struct spira_value *document,
                                                  struct spira_value **ret_reference,
                                                  struct spira_error *err);

/* Puts a document (pretty JSON) under the digest of what it says, "<folder>/<SHA-256>.json" (of the
 * canonical text), and gives its reference. Another text under that key is one that was altered,
 * and is replaced. Codes of spira_store_put. */
SPIRA_MUST_USE enum spira_code spira_document_keep(struct spira_object_store store,
                                                   struct spira_digest digest, const char *folder,
                                                   const struct spira_value *document,
                                                   struct spira_value **ret_reference,
                                                   struct spira_error *err);

/* Gives the document a reference names. SPIRA_EALTERED when the object's bytes are not those of
 * the reference (whoever made it can make it again); codes of spira_store_get;
 * SPIRA_EINVALID when it is no JSON. */
SPIRA_MUST_USE enum spira_code
spira_document_get(struct spira_object_store store, struct spira_digest digest,
                   struct spira_config_source json, const struct spira_value *reference,
                   struct spira_value **ret_document, struct spira_error *err);

/* Writes a document to a local file (pretty JSON, whole or not at all). */
SPIRA_MUST_USE enum spira_code
spira_document_write(const char *path, const struct spira_value *document, struct spira_error *err);

#endif
