#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/base/error.h"

Test(error, a_message_is_one_printable_line_with_its_context_in_front)
{
    struct spira_error err;
    cr_assert_eq(spira_fail(&err, SPIRA_EINVALID, "name '%s'", "a\nb"), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "name 'a?b'");
    cr_assert_eq(spira_fail_within(&err, "file %d", 7), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "file 7: name 'a?b'");
}

Test(error, errno_decides_the_code)
{
    struct spira_error err;
    cr_assert_eq(spira_fail_errno(&err, ENOENT, "x"), SPIRA_ENOTFOUND);
    cr_assert_eq(spira_fail_errno(&err, ENOSPC, "x"), SPIRA_EIO);
    cr_assert_str_eq(err.message, "x: No space left on device");
    cr_assert_eq(spira_code_kind(SPIRA_EIO), SPIRA_KIND_TRANSIENT);
    cr_assert_eq(spira_code_kind(SPIRA_EINVALID), SPIRA_KIND_INVALID);
    cr_assert_str_eq(spira_code_name(SPIRA_EDETERMINISM), "EDETERMINISM");
}

Test(error, a_name_gives_its_code_back)
{
    enum spira_code code = SPIRA_OK;
    cr_assert(spira_code_from_name("EOUTGREW", &code));
    cr_assert_eq(code, SPIRA_EOUTGREW);
    cr_assert_not(spira_code_from_name("ENONE", &code));
    cr_assert_not(spira_code_from_name("", &code));
    cr_assert_eq(code, SPIRA_EOUTGREW);
}
