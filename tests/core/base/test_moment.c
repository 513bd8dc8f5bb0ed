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

static int64_t read_moment(const char *text)
{
    int64_t milliseconds = -1;
    cr_assert(spira_moment_parse(text, &milliseconds), "%s", text);
    return milliseconds;
}

Test(moment, times_of_people_are_read)
{
    cr_assert_eq(read_moment("1970-01-01"), 0);
    cr_assert_eq(read_moment("2026-03-01T12:00:00.123Z"), 1772366400123);
    cr_assert_eq(read_moment("2026-03-01t12:00:00.123987z"), 1772366400123);
    cr_assert_eq(read_moment("2026-03-01T09:00:00-03:00"), 1772366400000);
    cr_assert_eq(read_moment("2026-03-01 17:30:00.5+05:30"), 1772366400500);
    cr_assert_eq(read_moment("1969-12-31T23:59:59.999Z"), -1);
    cr_assert_eq(read_moment("2024-02-29"), read_moment("2024-03-01") - 86400000);
    cr_assert_eq(read_moment(spira_moment_format(1772366400123).text), 1772366400123);
}

Test(moment, what_is_no_time_is_refused)
{
    static const char *const wrong[] = {
        "",
        "12",
        "2026-3-1",
        "2026-13-01",
        "2026-00-10",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-03-01T",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00Zulu",
        "2026-03-01T12:00:00+3",
        "2026-03-01T12:00:00+25:00",
        "2026-03-01 ",
        "yesterday",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t milliseconds;
        cr_assert(!spira_moment_parse(wrong[i], &milliseconds), "%s", wrong[i]);
    }
}

Test(moment, a_run_id_tells_when_it_was_made)
{
    cr_assert_eq(spira_uuid7_time(spira_uuid7(1772366400123).text), 1772366400123);
}
