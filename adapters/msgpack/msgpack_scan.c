#include "adapters/msgpack/msgpack_scan.h"

#include <stdint.h>

#include "core/ports/event_codec.h"

struct scan {
    const unsigned char *data;
    size_t size;
    size_t at;
};

/* What follows the first byte of an item. */
struct head {
    bool known;
    bool has_children;     /* a list or a map */
    bool is_map;           /* two children an entry */
    unsigned number_bytes; /* of the big-endian length or count behind it */
    uint64_t length;       /* where there is no such number */
};

/* spec.md, "Formats". bin, ext and 0xc1 are not known. */
static struct head read_head(unsigned char byte)
{
    if (byte <= 0x7f || byte >= 0xe0 || byte == 0xc0 || byte == 0xc2 || byte == 0xc3)
        return (struct head){.known = true};
    if (byte <= 0x9f)
        return (struct head){
            .known = true, .has_children = true, .is_map = byte <= 0x8f, .length = byte & 0x0f};
    if (byte <= 0xbf)
        return (struct head){.known = true, .length = byte & 0x1f};
    switch (byte) {
    case 0xca: /* float 32 */
        return (struct head){.known = true, .length = 4};
    case 0xcb: /* float 64 */
        return (struct head){.known = true, .length = 8};
    case 0xcc: /* uint 8 to 64 */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return (struct head){.known = true, .length = 1u << (byte - 0xcc)};
    case 0xd0: /* int 8 to 64 */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return (struct head){.known = true, .length = 1u << (byte - 0xd0)};
    case 0xd9: /* str 8 to 32 */
    case 0xda:
    case 0xdb:
        return (struct head){.known = true, .number_bytes = 1u << (byte - 0xd9)};
    case 0xdc: /* array 16 and 32 */
    case 0xdd:
        return (struct head){
            .known = true, .has_children = true, .number_bytes = 2u << (byte - 0xdc)};
    case 0xde: /* map 16 and 32 */
    case 0xdf:
        return (struct head){.known = true,
                             .has_children = true,
                             .is_map = true,
                             .number_bytes = 2u << (byte - 0xde)};
    default:
        return (struct head){.known = false};
    }
}

/* Steps over one item's head and, for anything but a list or map, its bytes. ret_nests: it is a
 * list or map, and ret_children items follow inside. */
static enum spira_code step(struct scan *scan, bool *ret_nests, uint64_t *ret_children,
                            struct spira_error *err)
{
    size_t begin = scan->at;
    if (begin == scan->size)
        return spira_fail(err, SPIRA_EINVALID, "MessagePack ends at byte %zu, inside a value",
                          begin);
    unsigned char byte = scan->data[scan->at++];
    struct head head = read_head(byte);
    if (!head.known)
        return spira_fail(err, SPIRA_EINVALID,
                          "MessagePack of kind 0x%02x at byte %zu is not allowed", byte, begin);
    uint64_t length = head.length;
    if (head.number_bytes > scan->size - scan->at)
        return spira_fail(err, SPIRA_EINVALID, "MessagePack ends inside the value at byte %zu",
                          begin);
    for (unsigned i = 0; i < head.number_bytes; i++)
        length = length << 8 | scan->data[scan->at++];
    if (head.is_map)
        length *= 2; /* at most 2^33 */
    /* A child has at least one byte, so this bounds lists and maps too. */
    if (length > scan->size - scan->at)
        return spira_fail(err, SPIRA_EINVALID,
                          "MessagePack at byte %zu claims %ju where %zu bytes are left", begin,
                          (uintmax_t)length, scan->size - scan->at);
    if (!head.has_children)
        scan->at += length;
    *ret_nests = head.has_children;
    *ret_children = length;
    return SPIRA_OK;
}

enum spira_code spira_msgpack_scan(const void *data, size_t size, struct spira_error *err)
{
    struct scan scan = {.data = data, .size = size};
    uint64_t missing[SPIRA_EVENT_MAX_DEPTH + 1] = {1}; /* items still to come, by depth */
    size_t depth = 0;
    while (depth > 0 || missing[0] > 0) {
        if (missing[depth] == 0) {
            depth--;
            continue;
        }
        missing[depth]--;
        size_t begin = scan.at;
        bool nests;
        uint64_t children;
        enum spira_code code = step(&scan, &nests, &children, err);
        if (code != SPIRA_OK)
            return code;
        if (nests && depth == SPIRA_EVENT_MAX_DEPTH)
            return spira_fail(err, SPIRA_EINVALID,
                              "MessagePack is nested deeper than %d at byte %zu",
                              SPIRA_EVENT_MAX_DEPTH, begin);
        if (nests)
            missing[++depth] = children;
    }
    if (scan.at < size)
        return spira_fail(err, SPIRA_EINVALID, "%zu bytes behind the MessagePack value",
                          size - scan.at);
    return SPIRA_OK;
}
