#include "cli/run_find.h"

#include <criterion/criterion.h>

#include "tests/cli/run_stage.h"

#define OLD "01890a5d-0000-7000-8000-000000000001"
#define NEW "01890a5e-0000-7000-8000-000000000002"
#define NEWEST "01890a5e-1111-7000-8000-000000000003"
#define REQUESTED "01890a5f-0000-7000-8000-000000000004"

static struct fixture fixture;
static struct spira_error err;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(run_find, .init = setup, .fini = teardown);

static void stage(void)
{
    stage_field(&fixture, NEW, "state", "running");
    stage_field(&fixture, OLD, "state", "failed");
    stage_field(&fixture, NEWEST, "state", "pending");
    spira_value_free(fixture_put(&fixture, "runs/" REQUESTED "/manifest.json", "{}"));
}

static void expect(const char *text, const char *run_id)
{
    struct spira_uuid found = {""};
    cr_assert_eq(spira_run_find(&fixture.worker, text, &found, &err), SPIRA_OK, "%s: %s", text,
                 err.message);
    cr_assert_str_eq(found.text, run_id);
}

static void refuse(const char *text, enum spira_code code, const char *named)
{
    struct spira_uuid found = {""};
    cr_assert_eq(spira_run_find(&fixture.worker, text, &found, &err), code, "%s", text);
    cr_assert(strstr(err.message, named), "'%s' should name %s", err.message, named);
}

Test(run_find, a_run_is_found_by_its_id_a_clear_beginning_or_as_the_latest)
{
    stage();
    expect(OLD, OLD);
    expect("01890a5d", OLD);
    expect("01890a5e-1", NEWEST);
    expect("latest", NEWEST);
}

Test(run_find, an_id_in_full_may_be_of_a_run_the_tracker_has_not_met)
{
    stage();
    expect(REQUESTED, REQUESTED);
    refuse("01890a5f", SPIRA_ENOTFOUND, "01890a5f");
}

Test(run_find, what_is_not_clear_or_not_there_is_refused)
{
    refuse("latest", SPIRA_ENOTFOUND, "no run yet");
    stage();
    refuse("01890a5e", SPIRA_EINVALID, NEW);
    refuse("01890a5e", SPIRA_EINVALID, NEWEST);
    refuse("ff", SPIRA_ENOTFOUND, "ff");
    refuse("01890a5d-0000-7000-8000-00000000000f", SPIRA_ENOTFOUND, "00000000000f");
    refuse("../etc", SPIRA_EINVALID, "../etc");
    refuse("", SPIRA_EINVALID, "latest");
    refuse(OLD "0", SPIRA_EINVALID, OLD "0");
    refuse("01890A5D", SPIRA_EINVALID, "01890A5D");
}
