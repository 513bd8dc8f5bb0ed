#include <criterion/criterion.h>
#include <unistd.h>

#include "cli/recordings_csv.h"
#include "core/base/file.h"

static char path[] = "/tmp/spira-test-csv-XXXXXX";
static struct spira_error err;

static void write_csv(const char *text)
{
    int descriptor = mkstemp(path);
    cr_assert(descriptor >= 0);
    close(descriptor);
    cr_assert_eq(spira_file_write(path, text, strlen(text), &err), SPIRA_OK);
}

static void remove_csv(void)
{
    unlink(path);
}

static struct spira_value *read_recordings(const char *text)
{
    struct spira_value *events = NULL;
    write_csv(text);
    cr_assert_eq(spira_recordings_csv(path, &events, &err), SPIRA_OK, "%s", err.message);
    return events;
}

static void refuse(const char *text, const char *named)
{
    struct spira_value *events = NULL;
    write_csv(text);
    cr_assert_eq(spira_recordings_csv(path, &events, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, path), "'%s' should name the file", err.message);
    cr_assert(strstr(err.message, named), "'%s' should have '%s'", err.message, named);
    cr_assert_null(events);
}

TestSuite(recordings_csv, .fini = remove_csv);

Test(recordings_csv, a_row_becomes_an_event)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *events = read_recordings("file_path,class,patient,split,age,ward\n"
                                                 "a/b.wav,1,p7,eval,63,\n");
    cr_assert_eq(spira_value_count(events), 1u);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(spira_value_at(events, 0), SPIRA_CANONICAL);
    cr_assert_str_eq(text, "{\"label\":1,\"metadata\":{\"age\":\"63\"},\"patient\":\"p7\","
                           "\"recording_id\":\"a/b.wav\",\"role\":\"speech\","
                           "\"split\":\"validation\",\"uri\":\"a/b.wav\"}");
}

Test(recordings_csv, what_is_left_out_is_not_said)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *events = read_recordings("class,file_path,split,patient\n0,a.wav,,\n");
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(spira_value_at(events, 0), SPIRA_CANONICAL);
    cr_assert_str_eq(text, "{\"label\":0,\"recording_id\":\"a.wav\",\"role\":\"speech\","
                           "\"uri\":\"a.wav\"}");
}

Test(recordings_csv, a_class_that_is_none_is_left_to_the_intake)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *events =
        read_recordings("file_path,class\na.wav,2\nb.wav,\nc.wav,1.0\nd.wav,01\n");
    static const char *const wrong[] = {"2", NULL, "1.0", "01"};
    for (size_t i = 0; i < 4; i++) {
        const struct spira_value *event = spira_value_at(events, i);
        cr_assert_null(spira_value_get(event, "label"));
        const char *text = spira_value_get_text(event, "label_text", NULL);
        cr_assert(wrong[i] ? text && strcmp(text, wrong[i]) == 0 : !text);
    }
}

Test(recordings_csv, rows_keep_their_order)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *events = read_recordings("file_path,class\nb.wav,0\na.wav,1\nb.wav,1\n");
    static const char *const expected[] = {"b.wav", "a.wav", "b.wav"};
    for (size_t i = 0; i < 3; i++)
        cr_assert_str_eq(spira_value_get_text(spira_value_at(events, i), "uri", ""), expected[i]);
}

Test(recordings_csv, a_column_that_must_be_there_is_named)
{
    refuse("file_path,label\na.wav,1\n", "no column class");
}

Test(recordings_csv, the_path_column_is_named)
{
    refuse("path,class\na.wav,1\n", "no column file_path");
}

Test(recordings_csv, a_split_that_is_none_is_refused_with_its_line)
{
    refuse("file_path,class,split\na.wav,1,train\nb.wav,1,dev\n", ":3: split 'dev'");
}

Test(recordings_csv, an_empty_path_is_refused)
{
    refuse("file_path,class\n\"\",1\n", "file_path is empty");
}

Test(recordings_csv, a_file_without_rows_is_refused)
{
    refuse("file_path,class\n", "no row");
}

Test(recordings_csv, a_field_beyond_its_limit_is_refused)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("file_path,class,patient\na.wav,1,%0200d\n", 7);
    refuse(text, "patient");
}

Test(recordings_csv, noises_have_a_path_and_no_label)
{
    struct spira_value *read = NULL;
    write_csv("file_path,class,patient\nward.wav,1,p1\n");
    cr_assert_eq(spira_noises_csv(path, &read, &err), SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *events = read;
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(spira_value_at(events, 0), SPIRA_CANONICAL);
    cr_assert_str_eq(text,
                     "{\"recording_id\":\"ward.wav\",\"role\":\"noise\",\"uri\":\"ward.wav\"}");
}

Test(recordings_csv, a_file_that_is_not_there_is_not_found)
{
    struct spira_value *events = NULL;
    cr_assert_eq(spira_recordings_csv("/tmp/spira-no-such.csv", &events, &err), SPIRA_ENOTFOUND);
}
