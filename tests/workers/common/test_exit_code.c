#include <criterion/criterion.h>

#include "workers/common/command_line/exit_code.h"

Test(exit_code, every_code_has_the_exit_code_that_scripts_rely_on)
{
    cr_assert_eq(spira_exit_code(SPIRA_OK), 0);
    cr_assert_eq(spira_exit_code(SPIRA_EIO), 1);
    cr_assert_eq(spira_exit_code(SPIRA_EBUG), 1);
    cr_assert_eq(spira_exit_code(SPIRA_EQUARANTINE), 1);
    cr_assert_eq(spira_exit_code(SPIRA_ENOTFOUND), 3);
    cr_assert_eq(spira_exit_code(SPIRA_EREJECTED), 4);
    cr_assert_eq(spira_exit_code(SPIRA_ECANCELED), 5);
    cr_assert_eq(spira_exit_code(SPIRA_EUNREACHABLE), 6);
    cr_assert_eq(spira_exit_code(SPIRA_EINTERRUPTED), 130);
}

Test(exit_code, what_somebody_wrote_wrongly_is_a_usage_error_and_a_wrong_recording_is_not)
{
    cr_assert_eq(spira_exit_code(SPIRA_EINVALID), 1);
    cr_assert_eq(spira_exit_code_of_usage(SPIRA_EINVALID), 2);
    cr_assert_eq(spira_exit_code_of_usage(SPIRA_ETOOBIG), 2);
    cr_assert_eq(spira_exit_code_of_usage(SPIRA_ETOOLONG), 2);
    cr_assert_eq(spira_exit_code_of_usage(SPIRA_ENOTFOUND), 3);
    cr_assert_eq(spira_exit_code_of_usage(SPIRA_EIO), 1);
}
