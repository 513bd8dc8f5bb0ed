#include "cli/audio_prepare.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "cli/collection.h"
#include "cli/recordings_csv.h"
#include "core/base/file.h"
#include "tests/workers/fixture.h"
#include "workers/audio_intake/audio_intake.h"

/* root is the folder of a CSV file, outside of the inbox. */
static struct fixture fixture;
static char *root;
static struct spira_error err;

static void write_file(const char *folder, const char *name, const char *text)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, name);
    cr_assert_eq(spira_file_write(path, text, strlen(text), &err), SPIRA_OK, "%s", err.message);
}

static void setup(void)
{
    fixture_init(&fixture);
    root = spira_format("%s/root", fixture.folder);
    cr_assert_eq(spira_folder_make(root, &err), SPIRA_OK);
    write_file(root, "a.wav", "sound");
    write_file(fixture.folder, "outside.wav", "sound");
}

static void teardown(void)
{
    free(root);
    fixture_done(&fixture);
}

TestSuite(audio_prepare, .init = setup, .fini = teardown);

static struct spira_value *read_csv(const char *text)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/m.csv", fixture.folder);
    struct spira_value *rows = NULL;
    write_file(fixture.folder, "m.csv", text);
    cr_assert_eq(spira_recordings_csv(path, &rows, &err), SPIRA_OK, "%s", err.message);
    return rows;
}

static struct spira_value *prepare(struct spira_value *rows, struct spira_value *files)
{
    const struct spira_audio_prepare job = {
        .worker = &fixture.worker, .root = root, .rows = rows, .files = files};
    struct spira_value *absent = NULL;
    cr_assert_eq(spira_audio_prepare(&job, &absent, &err), SPIRA_OK, "%s", err.message);
    return absent;
}

static const char *uri_of(const struct spira_value *events, size_t index)
{
    return spira_value_get_text(spira_value_at(events, index), "uri", "");
}

Test(audio_prepare, a_row_says_what_local_run_says_and_where_the_copy_is)
{
    static const char text[] = "file_path,class,patient,split,age\na.wav,1,p,test,40\n";
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rows = read_csv(text);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plain = read_csv(text);
    spira_value_free(prepare(rows, NULL));
    struct spira_value *row = spira_value_at(rows, 0);
    cr_assert_eq(spira_value_get_int(row, "bytes", 0), 5);
    SPIRA_CLEANUP(spira_free_at)
    char *uri = spira_format("added/%s.wav", spira_value_get_text(row, "sha256", ""));
    cr_assert_str_eq(uri_of(rows, 0), uri);
    SPIRA_CLEANUP(spira_free_at)
    char *copy = spira_format("%s/%s", fixture.inbox, uri);
    cr_assert_eq(access(copy, R_OK), 0);
    spira_value_remove(row, "sha256");
    spira_value_remove(row, "bytes");
    spira_value_set_text(row, "uri", "a.wav");
    cr_assert(spira_value_equal(row, spira_value_at(plain, 0)));
}

Test(audio_prepare, rows_that_cannot_be_had_become_missing)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rows = read_csv("file_path,class\nno.wav,1\n../outside.wav,1\n"
                                        "/etc/passwd,0\na.wav,0\n../root,0\n");
    write_file(fixture.inbox, "no.wav", "of somebody else");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *absent = prepare(rows, NULL);
    cr_assert_eq(spira_value_count(absent), 4u);
    cr_assert_str_eq(spira_value_get_text(spira_value_at(absent, 1), "recording_id", ""),
                     "../outside.wav");
    cr_assert_eq(spira_collection_emit(&fixture.worker, rows, &err), SPIRA_OK);
    for (size_t i = 0; i < 5; i++) {
        struct spira_step_outcome outcome = {0};
        cr_assert_eq(spira_step_run(&fixture.worker, &spira_audio_intake_step,
                                    fixture_message(&fixture, "audio.collected", i),
                                    (struct spira_progress){0}, &outcome, &err),
                     SPIRA_OK, "%s", err.message);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *answer = fixture_event(&fixture, "audio.rejected", i);
        cr_assert_str_eq(spira_value_get_text(answer, "reason", ""),
                         i == 3 ? "unreadable" : "missing");
    }
}

Test(audio_prepare, a_file_in_the_inbox_stays_where_it_is)
{
    write_file(fixture.inbox, "b.wav", "sound");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *files = spira_value_list();
    struct spira_value *event = spira_value_append(files, spira_value_map());
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/b.wav", fixture.inbox);
    spira_value_set_text(event, "recording_id", "b.wav");
    spira_value_set_text(event, "uri", path);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *absent = prepare(NULL, files);
    cr_assert_eq(spira_value_count(absent), 0u);
    cr_assert_str_eq(uri_of(files, 0), "b.wav");
    cr_assert_eq(spira_value_get_int(event, "bytes", 0), 5);
}

static void refuse_file(const char *path, const char *recording_id, enum spira_code code)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *files = spira_value_list();
    struct spira_value *event = spira_value_append(files, spira_value_map());
    spira_value_set_text(event, "recording_id", recording_id);
    spira_value_set_text(event, "uri", path);
    const struct spira_audio_prepare job = {
        .worker = &fixture.worker, .root = root, .files = files};
    struct spira_value *absent = NULL;
    cr_assert_eq(spira_audio_prepare(&job, &absent, &err), code);
    cr_assert_null(absent);
    cr_assert(strstr(err.message, path), "'%s' should name %s", err.message, path);
}

Test(audio_prepare, a_file_must_be_there_and_its_event_valid)
{
    refuse_file("/nowhere/x.wav", "x.wav", SPIRA_ENOTFOUND);
    refuse_file(root, "x.wav", SPIRA_EINVALID);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/a.wav", root);
    char long_id[600] = "";
    memset(long_id, 'x', sizeof long_id - 1);
    refuse_file(path, long_id, SPIRA_EINVALID);
}

static void ignore(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

static bool always(void *self)
{
    (void)self;
    return true;
}

Test(audio_prepare, somebody_can_stop_it)
{
    static const struct spira_progress_ops ops = {.report = ignore, .stop_wanted = always};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rows = read_csv("file_path,class\na.wav,1\n");
    const struct spira_audio_prepare job = {
        .worker = &fixture.worker, .root = root, .rows = rows, .progress = {.ops = &ops}};
    struct spira_value *absent = NULL;
    cr_assert_eq(spira_audio_prepare(&job, &absent, &err), SPIRA_EINTERRUPTED);
}

Test(audio_prepare, each_row_is_collected_later_than_the_one_before)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *rows = read_csv("file_path,class\na.wav,1\na.wav,0\na.wav,1\n");
    int64_t last_ms = 0, now_ms = spira_clock_now_ms(fixture.worker.clock);
    spira_collection_date(&fixture.worker, rows, &last_ms);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(spira_value_get_int(spira_value_at(rows, i), SPIRA_COLLECTED_AT, 0),
                     now_ms + (int64_t)i);
    cr_assert_eq(last_ms, now_ms + 2);
}
