#include "cli/validation_output.h"

#include <criterion/criterion.h>

#include "tests/workers/fixture.h"

/* What is printed of a document (JSON with ' for "). */
static char *printed(struct spira_value *validation)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    spira_validation_print(out, validation);
    fclose(out);
    spira_value_free(validation);
    return text;
}

static struct spira_value *example(void)
{
    return fixture_value(
        "{'recordings': 3, 'seconds': 14.5, 'roles': {"
        "'train': {'recordings': 2, 'patients': 1, 'control': 0, 'patient': 2, 'windows': 7,"
        " 'seconds': 9.25},"
        "'validation': {'recordings': 1, 'patients': 1, 'control': 1, 'patient': 0,"
        " 'windows': 2, 'seconds': 5.25},"
        "'test': {'recordings': 0, 'patients': 0, 'control': 0, 'patient': 0, 'windows': 0,"
        " 'seconds': 0.0}},"
        "'seconds_range': {'least': 2.7, 'mean': 4.83, 'most': 6.55}, 'rms_dbfs_range': {},"
        "'quarantined': [{'recording_id': 'x.wav', 'reason': 'silent', 'message': 'no sound'}],"
        "'quarantined_share': 0.25,"
        "'duplicates': [{'recording_id': 'b.wav', 'reason': 'duplicate',"
        " 'message': 'the same recording as a.wav'}]}");
}

Test(validation_output, shows_roles_ranges_and_what_was_left_out)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = printed(example());
    cr_assert_str_eq(text, "ROLE        RECORDINGS  CONTROL  PATIENT  PATIENTS  WINDOWS  SECONDS\n"
                           "train                2        0        2         1        7      9.2\n"
                           "validation           1        1        0         1        2      5.2\n"
                           "test                 0        0        0         0        0      0.0\n"
                           "\n"
                           "seconds                2.7 to 6.5, mean 4.8\n"
                           "quarantined            1, 25.0 %\n"
                           "\n"
                           "LEFT OUT  REASON     WHY\n"
                           "x.wav     silent     no sound\n"
                           "b.wav     duplicate  the same recording as a.wav\n"
                           "\n");
}

Test(validation_output, a_long_list_is_cut)
{
    struct spira_value *validation = example();
    struct spira_value *quarantined = spira_value_get(validation, "quarantined");
    for (int i = 0; i < 30; i++)
        spira_value_append(quarantined, spira_value_copy(spira_value_at(quarantined, 0)));
    SPIRA_CLEANUP(spira_free_at)
    char *text = printed(validation);
    size_t lines = 0;
    for (const char *at = text; (at = strstr(at, "x.wav")); at++)
        lines++;
    cr_assert_eq(lines, 20);
    cr_assert(strstr(text, "and 12 more; -o json has all\n"));
    cr_assert_null(strstr(text, "b.wav"));
}

Test(validation_output, where_there_is_none_nothing_is_printed)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = printed(spira_value_map());
    cr_assert_str_eq(text, "");
}
