#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/base/dispatch.h"

static enum spira_dispatch level_of(const char *name)
{
    enum spira_dispatch level = SPIRA_DISPATCH_COUNT;
    struct spira_error err;
    setenv("SPIRA_DISPATCH", name, 1);
    cr_assert_eq(spira_dispatch_level(&level, &err), SPIRA_OK, "%s", err.message);
    return level;
}

Test(dispatch, the_environment_forces_a_level_the_machine_has)
{
    for (size_t level = 0; level <= (size_t)spira_dispatch_best(); level++)
        cr_assert_eq(level_of(spira_dispatch_name((enum spira_dispatch)level)), level);
    cr_assert_eq(level_of(""), spira_dispatch_best());
}

Test(dispatch, an_unknown_level_is_refused)
{
    enum spira_dispatch level = SPIRA_DISPATCH_COUNT;
    struct spira_error err;
    setenv("SPIRA_DISPATCH", "avx1024", 1);
    cr_assert_eq(spira_dispatch_level(&level, &err), SPIRA_EINVALID);
    cr_assert_not_null(strstr(err.message, "SPIRA_DISPATCH is \"avx1024\""), "%s", err.message);
    cr_assert_eq(level, SPIRA_DISPATCH_COUNT);
}
