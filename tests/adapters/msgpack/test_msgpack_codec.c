#include <criterion/criterion.h>

#include "adapters/msgpack/msgpack_codec.h"

static struct spira_value *event_of_every_type(void)
{
    struct spira_value *event = spira_value_map();
    spira_value_set(event, "null", spira_value_null());
    spira_value_set_bool(event, "yes", true);
    spira_value_set_bool(event, "no", false);
    struct spira_value *numbers = spira_value_set(event, "numbers", spira_value_list());
    static const int64_t whole[] = {0,     127,       128,   -1,        -32,  -33,
                                    65535, INT64_MAX, 65536, INT64_MIN, -129, INT32_MIN};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        spira_value_append(numbers, spira_value_int(whole[i]));
    static const double reals[] = {0.1, 1.0, -0.0, 1e300, 5e-324};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        spira_value_append(numbers, spira_value_real(reals[i]));
    spira_value_set_text(event, "text", "S\xc3\xa3o Paulo");
    spira_value_set_text(event, "empty", "");
    char long_text[70001] = "";
    memset(long_text, 'x', 70000);
    spira_value_set_text(event, "long", long_text);
    struct spira_value *map = spira_value_set(event, "map", spira_value_map());
    spira_value_set(map, "empty map", spira_value_map());
    spira_value_set(map, "empty list", spira_value_list());
    return event;
}

static void refused(const void *data, size_t size, const char *message)
{
    struct spira_error err = {0};
    struct spira_value *value = NULL;
    cr_assert_eq(spira_event_decode(spira_event_codec_msgpack(), data, size, &value, &err),
                 SPIRA_EINVALID, "accepted instead of \"%s\"", message);
    cr_assert_null(value);
    cr_assert(strstr(err.message, message), "got \"%s\"", err.message);
}

Test(msgpack_codec, every_type_comes_back)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = event_of_every_type();
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    struct spira_event_codec codec = spira_event_codec_msgpack();
    cr_assert_eq(spira_event_encode(codec, event, &bytes, &err), SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *back = NULL;
    cr_assert_eq(spira_event_decode(codec, bytes.data, bytes.size, &back, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert(spira_value_equal(event, back));
}

Test(msgpack_codec, equal_trees_give_equal_bytes)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *one = spira_value_map();
    spira_value_set_int(one, "b", 2);
    spira_value_set_int(one, "a", 1);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_event_encode(spira_event_codec_msgpack(), one, &bytes, &err), SPIRA_OK);
    static const char expected[] = "\x82\xa1"
                                   "a\x01\xa1"
                                   "b\x02";
    cr_assert_eq(bytes.size, sizeof expected - 1);
    cr_assert_eq(memcmp(bytes.data, expected, bytes.size), 0);
}

Test(msgpack_codec, what_others_write_is_read)
{
    struct spira_error err = {0};
    /* {"f": float32 1.5, "u": uint64 7, "s": str8 "x", "m": map16 {}} */
    static const char foreign[] = "\x84\xa1"
                                  "f\xca\x3f\xc0\x00\x00\xa1"
                                  "u\xcf\x00\x00\x00\x00\x00\x00\x00\x07\xa1"
                                  "s\xd9\x01x\xa1"
                                  "m\xde\x00\x00";
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = NULL;
    cr_assert_eq(
        spira_event_decode(spira_event_codec_msgpack(), foreign, sizeof foreign - 1, &event, &err),
        SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(event, SPIRA_CANONICAL);
    cr_assert_str_eq(text, "{\"f\":1.5,\"m\":{},\"s\":\"x\",\"u\":7}");
}

Test(msgpack_codec, what_an_event_must_not_be_is_refused)
{
    static const struct {
        const char *data;
        size_t size;
        const char *message;
    } wrong[] = {
#define BYTES(text) text, sizeof text - 1
        {BYTES(""), "ends at byte 0"},
        {BYTES("\x07"), "an event is a map"},
        {BYTES("\x90"), "an event is a map"},
        {BYTES("\x80\x80"), "1 bytes behind"},
        {BYTES("\x81\xa1"), "claims 2 where 1"},
        {BYTES("\x81\x01\x02"), "key is not text"},
        {BYTES("\x82\xa1"
               "a\x01\xa1"
               "a\x02"),
         "key \"a\" is in a map twice"},
        {BYTES("\x81\xa1\xff\x01"), "not UTF-8"},
        {BYTES("\x81\xa1\x00\x01"), "without zeros"},
        {BYTES("\x81\xa1z\xa2\xc0\x80"), "not UTF-8"},
        {BYTES("\x81\xa1z\xc4\x01x"), "kind 0xc4"},                         /* bin 8 */
        {BYTES("\x81\xa1z\xd4\x01x"), "kind 0xd4"},                         /* fixext 1 */
        {BYTES("\x81\xa1z\xc7\x01\x01x"), "kind 0xc7"},                     /* ext 8 */
        {BYTES("\x81\xa1z\xc1"), "kind 0xc1"},                              /* never used */
        {BYTES("\x81\xa1z\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), "beyond"}, /* 2^63 */
        {BYTES("\x81\xa1z\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"), "finite"}, /* infinity */
        {BYTES("\x81\xa1z\xca\x7f\xc0\x00\x00"), "finite"},                 /* NaN */
        {BYTES("\x81\xa1z\xdd\xff\xff\xff\xff"), "claims 4294967295"},      /* array 32 */
        {BYTES("\xdf\xff\xff\xff\xff"), "claims 8589934590"},               /* map 32 */
        {BYTES("\x81\xa1z\xdb\xff\xff\xff\xff"), "claims 4294967295"},      /* str 32 */
        {BYTES("\x81\xa1z\xcd\x01"), "claims 2 where 1"},
        {BYTES("\x81\xa1z\xdc\x01"), "ends inside"},
#undef BYTES
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(wrong[i].data, wrong[i].size, wrong[i].message);
}

Test(msgpack_codec, every_cut_of_an_event_is_refused)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = event_of_every_type();
    spira_value_remove(event, "long");
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_event_encode(spira_event_codec_msgpack(), event, &bytes, &err), SPIRA_OK);
    for (size_t size = 0; size < bytes.size; size++)
        refused(bytes.data, size, "");
}

Test(msgpack_codec, nesting_ends_at_32_both_ways)
{
    struct spira_error err = {0};
    struct spira_event_codec codec = spira_event_codec_msgpack();
    for (int depth = 32; depth <= 33; depth++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *event = spira_value_map();
        struct spira_value *inner = spira_value_set(event, "l", spira_value_list());
        for (int i = 2; i < depth; i++)
            inner = spira_value_append(inner, spira_value_list());
        SPIRA_CLEANUP(spira_bytes_done)
        struct spira_bytes bytes = {0};
        cr_assert_eq(spira_event_encode(codec, event, &bytes, &err),
                     depth == 32 ? SPIRA_OK : SPIRA_EINVALID);
        char raw[40] = "\x81\xa1l";
        memset(raw + 3, '\x91', 31);
        raw[depth + 1] = '\x90';
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *back = NULL;
        cr_assert_eq(spira_event_decode(codec, raw, (size_t)depth + 2, &back, &err),
                     depth == 32 ? SPIRA_OK : SPIRA_EINVALID, "%s", err.message);
    }
}

Test(msgpack_codec, what_decode_would_refuse_is_not_encoded)
{
    struct spira_error err = {0};
    struct spira_event_codec codec = spira_event_codec_msgpack();
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "t", "\xff");
    cr_assert_eq(spira_event_encode(codec, event, &bytes, &err), SPIRA_EINVALID);
    cr_assert_eq(spira_event_encode(codec, NULL, &bytes, &err), SPIRA_EINVALID);
    spira_value_set_text(event, "t", "");
    struct spira_value *list = spira_value_set(event, "l", spira_value_list());
    for (int i = 0; i < SPIRA_EVENT_MAX_BYTES; i++)
        spira_value_append(list, spira_value_int(1));
    cr_assert_eq(spira_event_encode(codec, event, &bytes, &err), SPIRA_ETOOBIG);
    cr_assert_null(bytes.data);
}
