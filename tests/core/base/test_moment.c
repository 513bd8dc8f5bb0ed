#include <criterion/criterion.h>
#include <string.h>

#include "core/base/moment.h"

Test(moment, times_are_rfc_3339_in_utc)
{
    cr_assert_str_eq(spira_moment_format(0).text, "1970-01-01T00:00:00.000Z");
    cr_assert_str_eq(spira_moment_format(1772366400123).text, "2026-03-01T12:00:00.123Z");
    cr_assert_str_eq(spira_moment_format(-1).text, "1969-12-31T23:59:59.999Z");
}

Test(moment, run_ids_are_valid_unique_and_ordered_by_time)
{
    struct spira_uuid early = spira_uuid7(1000), twin = spira_uuid7(1000), late = spira_uuid7(2000);
    cr_assert(spira_uuid_valid(early.text));
    cr_assert_eq(early.text[14], '7');
    cr_assert(strcmp(early.text, twin.text) != 0);
    cr_assert(strcmp(early.text, late.text) < 0 && strcmp(twin.text, late.text) < 0);
    cr_assert(!spira_uuid_valid("../../etc/passwd"));
}
