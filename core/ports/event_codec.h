/* Port: an event's value as bytes. Adapters: adapters/msgpack.
 * What fields an event has, the tables in schemas/ say; the codec only turns trees into bytes and
 * back. */
#ifndef SPIRA_CORE_PORTS_EVENT_CODEC_H
#define SPIRA_CORE_PORTS_EVENT_CODEC_H

#include "core/base/value.h"

enum { SPIRA_EVENT_MAX_BYTES = 1 << 20, SPIRA_EVENT_MAX_DEPTH = 32 };

struct spira_event_codec_ops {
    /* Gives ret_bytes. Equal trees give equal bytes. SPIRA_ETOOBIG above SPIRA_EVENT_MAX_BYTES. */
    enum spira_code (*encode)(void *self, const struct spira_value *value,
                              struct spira_bytes *ret_bytes, struct spira_error *err);
    /* Borrows data. Gives ret_value. SPIRA_EINVALID: not one whole map with text keys, each once,
     * UTF-8 text, nested at most SPIRA_EVENT_MAX_DEPTH, nothing behind it. Allocates no more than a
     * small multiple of size. */
    enum spira_code (*decode)(void *self, const void *data, size_t size,
                              struct spira_value **ret_value, struct spira_error *err);
};

/* Stateless; any thread. */
struct spira_event_codec {
    const struct spira_event_codec_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code spira_event_encode(struct spira_event_codec codec,
                                                                const struct spira_value *value,
                                                                struct spira_bytes *ret_bytes,
                                                                struct spira_error *err)
{
    return codec.ops->encode(codec.self, value, ret_bytes, err);
}

SPIRA_MUST_USE static inline enum spira_code spira_event_decode(struct spira_event_codec codec,
                                                                const void *data, size_t size,
                                                                struct spira_value **ret_value,
                                                                struct spira_error *err)
{
    return codec.ops->decode(codec.self, data, size, ret_value, err);
}

#endif
