#include "adapters/msgpack/msgpack_codec.h"

#include <math.h>
#include <msgpack.h>

#include "adapters/msgpack/msgpack_scan.h"
#include "core/base/text.h"

static enum spira_code pack_text(msgpack_packer *packer, const char *text, struct spira_error *err)
{
    size_t length = strlen(text);
    if (!spira_utf8_valid(text, length))
        return spira_fail(err, SPIRA_EINVALID, "an event's text \"%.80s\" is not UTF-8", text);
    if (length > SPIRA_EVENT_MAX_BYTES)
        return spira_fail(err, SPIRA_ETOOBIG,
                          "an event's text has %zu bytes, more than the %d "
                          "allowed",
                          length, SPIRA_EVENT_MAX_BYTES);
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, text, length);
    return SPIRA_OK;
}

static enum spira_code pack_value(msgpack_packer *packer, const struct spira_value *value,
                                  int depth, struct spira_error *err);

static int by_key(const void *a, const void *b, void *map)
{
    return strcmp(spira_value_key_at(map, *(const size_t *)a),
                  spira_value_key_at(map, *(const size_t *)b));
}

/* Sorted, since equal trees may hold their keys in another order. */
static enum spira_code pack_map(msgpack_packer *packer, const struct spira_value *map, int depth,
                                struct spira_error *err)
{
    size_t count = spira_value_count(map);
    if (count > SPIRA_MSGPACK_MAX_KEYS)
        return spira_fail(err, SPIRA_EINVALID, "an event's map of %zu keys; %d are allowed", count,
                          SPIRA_MSGPACK_MAX_KEYS);
    size_t order[SPIRA_MSGPACK_MAX_KEYS];
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_key, (void *)(uintptr_t)map);
    msgpack_pack_map(packer, count);
    for (size_t i = 0; i < count; i++) {
        enum spira_code code = pack_text(packer, spira_value_key_at(map, order[i]), err);
        if (code == SPIRA_OK)
            code = pack_value(packer, spira_value_at(map, order[i]), depth, err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static enum spira_code pack_list(msgpack_packer *packer, const struct spira_value *list, int depth,
                                 struct spira_error *err)
{
    size_t count = spira_value_count(list);
    msgpack_pack_array(packer, count);
    for (size_t i = 0; i < count; i++) {
        enum spira_code code = pack_value(packer, spira_value_at(list, i), depth, err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

/* depth: how many maps and lists are open around the value. */
static enum spira_code pack_value(msgpack_packer *packer, const struct spira_value *value,
                                  int depth, struct spira_error *err)
{
    enum spira_value_type type = spira_value_type(value);
    if ((type == SPIRA_LIST || type == SPIRA_MAP) && depth == SPIRA_EVENT_MAX_DEPTH)
        return spira_fail(err, SPIRA_EINVALID, "an event nested deeper than %d",
                          SPIRA_EVENT_MAX_DEPTH);
    switch (type) {
    case SPIRA_NULL:
        msgpack_pack_nil(packer);
        return SPIRA_OK;
    case SPIRA_BOOL:
        (spira_value_as_bool(value, false) ? msgpack_pack_true : msgpack_pack_false)(packer);
        return SPIRA_OK;
    case SPIRA_INT:
        msgpack_pack_int64(packer, spira_value_as_int(value, 0));
        return SPIRA_OK;
    case SPIRA_REAL:
        msgpack_pack_double(packer, spira_value_as_real(value, 0));
        return SPIRA_OK;
    case SPIRA_TEXT:
        return pack_text(packer, spira_value_as_text(value, ""), err);
    case SPIRA_LIST:
        return pack_list(packer, value, depth + 1, err);
    case SPIRA_MAP:
        return pack_map(packer, value, depth + 1, err);
    }
    return SPIRA_OK;
}

/* msgpack-c's buffer, with the failure of an allocation kept: the packer's short forms above do not
 * look at what the write returns. */
struct output {
    msgpack_sbuffer buffer;
    bool failed;
};

static int write_output(void *self, const char *data, size_t size)
{
    struct output *output = self;
    if (msgpack_sbuffer_write(&output->buffer, data, size) != 0)
        output->failed = true;
    return 0;
}

static enum spira_code encode(void *self, const struct spira_value *value,
                              struct spira_bytes *ret_bytes, struct spira_error *err)
{
    (void)self;
    if (spira_value_type(value) != SPIRA_MAP)
        return spira_fail(err, SPIRA_EINVALID, "an event is a map, not %s",
                          spira_value_type_name(spira_value_type(value)));
    struct output output = {.failed = false};
    msgpack_sbuffer_init(&output.buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &output, write_output);
    enum spira_code code = pack_value(&packer, value, 0, err);
    if (code == SPIRA_OK && output.failed)
        code = spira_fail(err, SPIRA_ENOMEMORY, "no memory to write an event");
    if (code == SPIRA_OK && output.buffer.size > SPIRA_EVENT_MAX_BYTES)
        code = spira_fail(err, SPIRA_ETOOBIG, "an event of %zu bytes, more than the %d allowed",
                          output.buffer.size, SPIRA_EVENT_MAX_BYTES);
    if (code == SPIRA_OK) {
        ret_bytes->size = output.buffer.size;
        ret_bytes->data = msgpack_sbuffer_release(&output.buffer);
    }
    msgpack_sbuffer_destroy(&output.buffer);
    return code;
}

/* Gives the text. */
static enum spira_code read_text(const msgpack_object *object, char **ret_text,
                                 struct spira_error *err)
{
    if (object->type != MSGPACK_OBJECT_STR)
        return spira_fail(err, SPIRA_EINVALID, "a map's key is not text");
    size_t size = object->via.str.size;
    const char *data = size > 0 ? object->via.str.ptr : ""; /* msgpack-c leaves it NULL */
    if (!spira_utf8_valid(data, size) || memchr(data, '\0', size))
        return spira_fail(err, SPIRA_EINVALID, "a text of %zu bytes is not UTF-8 without zeros",
                          size);
    char *text = spira_alloc(size + 1, 1);
    memcpy(text, data, size);
    *ret_text = text;
    return SPIRA_OK;
}

static enum spira_code read_value(const msgpack_object *object, struct spira_value **ret_value,
                                  struct spira_error *err);

static enum spira_code read_map(const msgpack_object_map *entries, struct spira_value *map,
                                struct spira_error *err)
{
    if (entries->size > SPIRA_MSGPACK_MAX_KEYS)
        return spira_fail(err, SPIRA_EINVALID, "a map of %u keys; %d are allowed", entries->size,
                          SPIRA_MSGPACK_MAX_KEYS);
    for (uint32_t i = 0; i < entries->size; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *key = NULL;
        enum spira_code code = read_text(&entries->ptr[i].key, &key, err);
        if (code != SPIRA_OK)
            return code;
        if (spira_value_get(map, key))
            return spira_fail(err, SPIRA_EINVALID, "the key \"%s\" is in a map twice", key);
        struct spira_value *item = NULL;
        code = read_value(&entries->ptr[i].val, &item, err);
        if (code != SPIRA_OK)
            return code;
        spira_value_set(map, key, item);
    }
    return SPIRA_OK;
}

static enum spira_code read_list(const msgpack_object_array *items, struct spira_value *list,
                                 struct spira_error *err)
{
    for (uint32_t i = 0; i < items->size; i++) {
        struct spira_value *item = NULL;
        enum spira_code code = read_value(&items->ptr[i], &item, err);
        if (code != SPIRA_OK)
            return code;
        spira_value_append(list, item);
    }
    return SPIRA_OK;
}

static enum spira_code read_children(const msgpack_object *object, struct spira_value **ret_value,
                                     struct spira_error *err)
{
    bool is_map = object->type == MSGPACK_OBJECT_MAP;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *parent = is_map ? spira_value_map() : spira_value_list();
    enum spira_code code = is_map ? read_map(&object->via.map, parent, err)
                                  : read_list(&object->via.array, parent, err);
    if (code != SPIRA_OK)
        return code;
    *ret_value = parent;
    parent = NULL;
    return SPIRA_OK;
}

static enum spira_code read_scalar(const msgpack_object *object, struct spira_value **ret_value,
                                   struct spira_error *err)
{
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        *ret_value = spira_value_null();
        return SPIRA_OK;
    case MSGPACK_OBJECT_BOOLEAN:
        *ret_value = spira_value_bool(object->via.boolean);
        return SPIRA_OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        if (object->via.u64 > INT64_MAX)
            return spira_fail(err, SPIRA_EINVALID, "the whole number %ju is beyond 63 bits",
                              (uintmax_t)object->via.u64);
        *ret_value = spira_value_int((int64_t)object->via.u64);
        return SPIRA_OK;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *ret_value = spira_value_int(object->via.i64);
        return SPIRA_OK;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        if (!isfinite(object->via.f64))
            return spira_fail(err, SPIRA_EINVALID, "a number is not finite");
        *ret_value = spira_value_real(object->via.f64);
        return SPIRA_OK;
    default:
        return spira_fail(err, SPIRA_EINVALID, "MessagePack of type %d is not allowed",
                          (int)object->type);
    }
}

static enum spira_code read_value(const msgpack_object *object, struct spira_value **ret_value,
                                  struct spira_error *err)
{
    if (object->type == MSGPACK_OBJECT_MAP || object->type == MSGPACK_OBJECT_ARRAY)
        return read_children(object, ret_value, err);
    if (object->type != MSGPACK_OBJECT_STR)
        return read_scalar(object, ret_value, err);
    SPIRA_CLEANUP(spira_free_at)
    char *text = NULL;
    enum spira_code code = read_text(object, &text, err);
    if (code == SPIRA_OK)
        *ret_value = spira_value_text(text);
    return code;
}

static enum spira_code decode(void *self, const void *data, size_t size,
                              struct spira_value **ret_value, struct spira_error *err)
{
    (void)self;
    if (size > SPIRA_EVENT_MAX_BYTES)
        return spira_fail(err, SPIRA_EINVALID, "an event of %zu bytes, more than the %d allowed",
                          size, SPIRA_EVENT_MAX_BYTES);
    enum spira_code code = spira_msgpack_scan(data, size, err);
    if (code != SPIRA_OK)
        return code;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t end = 0;
    msgpack_unpack_return result = msgpack_unpack_next(&unpacked, data, size, &end);
    if (result != MSGPACK_UNPACK_SUCCESS)
        code = spira_fail(err, SPIRA_EINVALID, "not MessagePack (byte %zu of %zu)", end, size);
    else if (unpacked.data.type != MSGPACK_OBJECT_MAP)
        code = spira_fail(err, SPIRA_EINVALID, "an event is a map");
    else
        code = read_value(&unpacked.data, ret_value, err);
    msgpack_unpacked_destroy(&unpacked);
    return code;
}

static const struct spira_event_codec_ops ops = {.encode = encode, .decode = decode};

struct spira_event_codec spira_event_codec_msgpack(void)
{
    return (struct spira_event_codec){.ops = &ops};
}
