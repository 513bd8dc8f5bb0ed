#include <criterion/criterion.h>
#include <unistd.h>

#include "adapters/flaky/object_store_flaky.h"
#include "core/base/file.h"
#include "tests/workers/fixture.h"
#include "workers/common/child/checkpoints.h"

static struct fixture fixture;
static struct spira_job job;
static struct spira_checkpoints checkpoints;
static char *outputs;

static void setup(void)
{
    fixture_init(&fixture);
    outputs = spira_format("%s/out", fixture.folder);
    spira_job_init(&job, "model_training", 1, "models");
    spira_job_seal(&job, fixture.worker.tools.digest);
}

static void teardown(void)
{
    spira_checkpoints_done(&checkpoints);
    spira_job_done(&job);
    free(outputs);
    fixture_done(&fixture);
}

TestSuite(checkpoints, .init = setup, .fini = teardown);

static void fetch(void)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_checkpoints_fetch(fixture.worker.store, &job, outputs, &checkpoints, &err),
                 SPIRA_OK, "%s", err.message);
}

static void upload(void)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_checkpoints_upload(&checkpoints, &err), SPIRA_OK, "%s", err.message);
}

static char *path_of(const char *name)
{
    return spira_format("%s/checkpoints/%s", outputs, name);
}

static void write_checkpoint(const char *name, const char *text)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *path = path_of(name);
    cr_assert_eq(spira_file_write(path, text, strlen(text), &err), SPIRA_OK);
}

/* What the store has under a checkpoint's name; NULL: nothing. Freed by the caller. */
static char *stored(const char *name)
{
    struct spira_error err;
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%s%s", checkpoints.prefix, name);
    return spira_store_get(fixture.worker.store, key, 100, &bytes, &err) == SPIRA_OK ? bytes.data
                                                                                     : NULL;
}

static void expect_stored(const char *name, const char *text)
{
    SPIRA_CLEANUP(spira_free_at)
    char *found = stored(name);
    if (!text)
        cr_assert_null(found, "%s", name);
    else
        cr_assert(found && strcmp(found, text) == 0, "%s is %s", name, found ? found : "missing");
}

Test(checkpoints, the_store_follows_the_folder)
{
    fetch();
    write_checkpoint("step-000001.safetensors", "one");
    write_checkpoint("step-000002.safetensors", "two");
    upload();
    expect_stored("step-000001.safetensors", "one");
    SPIRA_CLEANUP(spira_free_at)
    char *first = path_of("step-000001.safetensors");
    cr_assert_eq(unlink(first), 0);
    write_checkpoint("step-000003.safetensors", "three");
    upload();
    expect_stored("step-000001.safetensors", NULL);
    expect_stored("step-000002.safetensors", "two");
    expect_stored("step-000003.safetensors", "three");
}

Test(checkpoints, an_unfinished_one_stays_where_it_is)
{
    fetch();
    write_checkpoint("step-000001.safetensors.tmp", "half");
    write_checkpoint(".safetensors", "hidden");
    upload();
    cr_assert_eq(fixture_keys(&fixture, "models/"), 0);
}

Test(checkpoints, another_attempt_gets_what_is_stored)
{
    fetch();
    write_checkpoint("step-000001.safetensors", "one");
    upload();
    spira_checkpoints_done(&checkpoints);
    struct spira_error err;
    cr_assert_eq(spira_tree_remove(outputs, &err), SPIRA_OK);
    fetch();
    SPIRA_CLEANUP(spira_free_at)
    char *path = path_of("step-000001.safetensors");
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 100, &bytes, &err), SPIRA_OK);
    cr_assert_str_eq(bytes.data, "one");
    upload();
    expect_stored("step-000001.safetensors", "one");
}

Test(checkpoints, one_that_was_damaged_in_the_store_is_replaced_when_it_is_written_anew)
{
    fetch();
    write_checkpoint("step-000001.safetensors", "one");
    upload();
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%sstep-000001.safetensors", checkpoints.prefix);
    spira_value_free(fixture_put(&fixture, key, "0ne"));
    spira_checkpoints_done(&checkpoints);
    struct spira_error err;
    cr_assert_eq(spira_tree_remove(outputs, &err), SPIRA_OK);
    fetch();
    upload();
    expect_stored("step-000001.safetensors", "0ne");
    write_checkpoint("step-000001.safetensors", "one");
    upload();
    expect_stored("step-000001.safetensors", "one");
}

Test(checkpoints, nobody_needs_them_when_the_result_is_there)
{
    struct spira_error err;
    fetch();
    write_checkpoint("step-000001.safetensors", "one");
    write_checkpoint("step-000002.safetensors", "two");
    upload();
    cr_assert_eq(spira_checkpoints_remove(&checkpoints, &err), SPIRA_OK);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 0);
}

Test(checkpoints, one_that_could_not_be_stored_is_stored_later)
{
    static const enum spira_code codes[] = {SPIRA_EIO};
    struct spira_flaky_script script = {.operation = "put_file", .codes = codes, .count = 1};
    struct spira_error err;
    fixture.worker.store = spira_object_store_flaky(fixture.worker.store, &script, 1);
    fetch();
    write_checkpoint("step-000001.safetensors", "one");
    cr_assert_eq(spira_checkpoints_upload(&checkpoints, &err), SPIRA_EIO);
    upload();
    expect_stored("step-000001.safetensors", "one");
}

Test(checkpoints, one_that_goes_while_it_is_fetched_is_none)
{
    static const enum spira_code codes[] = {SPIRA_ENOTFOUND};
    struct spira_flaky_script script = {.operation = "fetch", .codes = codes, .count = 1};
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(&job, "checkpoints/step-000001.safetensors");
    spira_value_free(fixture_put(&fixture, key, "one"));
    fixture.worker.store = spira_object_store_flaky(fixture.worker.store, &script, 1);
    fetch();
    SPIRA_CLEANUP(spira_free_at)
    char *path = path_of("step-000001.safetensors");
    cr_assert_neq(access(path, F_OK), 0);
}
