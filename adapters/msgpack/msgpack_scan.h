/* A look over MessagePack bytes before msgpack-c sees them: it allocates what a list's or map's
 * head claims, 24 bytes an item, before it knows whether the items are there. Private to this
 * folder. */
#ifndef SPIRA_ADAPTERS_MSGPACK_MSGPACK_SCAN_H
#define SPIRA_ADAPTERS_MSGPACK_MSGPACK_SCAN_H

#include "core/base/error.h"

/* SPIRA_EINVALID, with the offset, unless data is one whole item, nested at most
 * SPIRA_EVENT_MAX_DEPTH, without bin, ext and the unused head 0xc1, with nothing behind it. */
SPIRA_MUST_USE enum spira_code spira_msgpack_scan(const void *data, size_t size,
                                                  struct spira_error *err);

#endif
