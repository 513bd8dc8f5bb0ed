#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

Test(text, utf8_of_every_length_is_valid)
{
    static const char *const valid[] = {
        "",
        "plain",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "a\xc3\xa9z",
    };
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        cr_assert(spira_utf8_valid(valid[i], strlen(valid[i])), "%zu", i);
    cr_assert(spira_utf8_valid("\0", 1));
}

Test(text, what_is_not_utf8_is_found)
{
    static const char *const wrong[] = {
        "\x80",             /* a follower first */
        "\xc0\x80",         /* overlong */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc3",         /* cut off */
        "\xe2\x82",     /* cut off */
        "\xe2\x82z",    /* not a follower */
        "\xc3\xa9\xc3", /* a whole one, then half */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert(!spira_utf8_valid(wrong[i], strlen(wrong[i])), "%zu", i);
}

Test(text, repair_replaces_what_is_not_utf8_and_nothing_else)
{
    static const struct {
        const char *text, *repaired;
    } cases[] = {
        {"", ""},
        {"a\xc3\xa9\xf0\x90\x80\x80z", "a\xc3\xa9\xf0\x90\x80\x80z"},
        {"a\xffz", "a\xef\xbf\xbdz"},
        {"\xe2\x82\"", "\xef\xbf\xbd\xef\xbf\xbd\""}, /* the quote is no part of it */
        {"cut\xc3", "cut\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *repaired = spira_utf8_repair(cases[i].text);
        cr_assert_str_eq(repaired, cases[i].repaired);
        free(repaired);
    }
}

Test(text, tame_leaves_no_control_character_but_those_that_are_spared)
{
    char text[] = "a\x1b[2J\r\n\x7f\xc2\x9b\xc2\xa0\xc3\x9bz";
    spira_text_tame(text, "\n");
    cr_assert_str_eq(text, "a?[2J?\n???\xc2\xa0\xc3\x9bz");
    spira_text_tame(text, "");
    cr_assert_str_eq(text, "a?[2J?????\xc2\xa0\xc3\x9bz");
}
