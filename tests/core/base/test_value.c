#include <criterion/criterion.h>

#include "core/base/value.h"

Test(value, canonical_text_sorts_keys_and_keeps_number_types)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = spira_value_map();
    spira_value_set_real(map, "b", 1.0);
    spira_value_set_int(map, "a", 1);
    spira_value_set_real(map, "c", 0.1);
    struct spira_value *list = spira_value_set(map, "Z", spira_value_list());
    spira_value_append(list, spira_value_text("a\"\n\x01"));
    spira_value_append(list, spira_value_bool(true));
    spira_value_append(list, spira_value_null());
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(map, SPIRA_CANONICAL);
    cr_assert_str_eq(text, "{\"Z\":[\"a\\\"\\n\\u0001\",true,null],\"a\":1,\"b\":1.0,\"c\":0.1}");
}

Test(value, set_replaces_and_remove_forgets)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = spira_value_map();
    char key[8];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20; i++) {
            snprintf(key, sizeof key, "k%d", i);
            spira_value_set_int(map, key, i + round);
        }
    cr_assert_eq(spira_value_count(map), 20);
    for (int i = 0; i < 20; i += 2) {
        snprintf(key, sizeof key, "k%d", i);
        spira_value_remove(map, key);
    }
    spira_value_set_int(map, "new", 7);
    cr_assert_eq(spira_value_count(map), 11);
    cr_assert_eq(spira_value_get_int(map, "k3", -1), 4);
    cr_assert_eq(spira_value_get_int(map, "k2", -1), -1);
    cr_assert_eq(spira_value_get_int(map, "new", -1), 7);
}

Test(value, find_follows_dots_and_equal_ignores_key_order)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = spira_value_map();
    struct spira_value *inner = spira_value_set(map, "train", spira_value_map());
    spira_value_set_int(inner, "epochs", 20);
    spira_value_set_text(inner, "name", "x");
    cr_assert_eq(spira_value_as_int(spira_value_find(map, "train.epochs"), 0), 20);
    cr_assert_null(spira_value_find(map, "train.epochs.deeper"));
    cr_assert_null(spira_value_find(map, "model.epochs"));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *copy = spira_value_copy(map);
    cr_assert(spira_value_equal(map, copy));
    struct spira_value *train = spira_value_get(copy, "train");
    spira_value_remove(train, "epochs");
    spira_value_set_int(train, "epochs", 20);
    cr_assert(spira_value_equal(map, copy));
    spira_value_set_real(train, "epochs", 20);
    cr_assert(!spira_value_equal(map, copy));
}
