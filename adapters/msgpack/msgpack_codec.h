/* The event_codec port over msgpack-c (https://github.com/msgpack/msgpack, "spec.md").
 * Null, booleans, whole numbers, reals (as float 64), texts, lists and maps; no bin, no ext. */
#ifndef SPIRA_ADAPTERS_MSGPACK_MSGPACK_CODEC_H
#define SPIRA_ADAPTERS_MSGPACK_MSGPACK_CODEC_H

#include "core/ports/event_codec.h"

enum { SPIRA_MSGPACK_MAX_KEYS = 1024 }; /* of one map */

/* Maps are written with their keys in the order of their bytes. Beyond the port's contract, decode
 * refuses whole numbers beyond int64, reals that are not finite, texts with a zero byte and maps of
 * more than SPIRA_MSGPACK_MAX_KEYS; encode refuses (SPIRA_EINVALID) what decode would. Needs no
 * closing; any thread. */
struct spira_event_codec spira_event_codec_msgpack(void);

#endif
