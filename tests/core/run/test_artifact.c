#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/flaky/object_store_flaky.h"
#include "adapters/json/json_config.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/openssl/openssl_digest.h"
#include "core/base/file.h"
#include "core/run/artifact.h"

static char folder[] = "/tmp/spira-test-artifact-XXXXXX";
static struct spira_artifacts artifacts;
static struct spira_job job;

static struct spira_artifacts over(struct spira_object_store store)
{
    return (struct spira_artifacts){store, spira_digest_openssl(), spira_config_source_json()};
}

static void write_output(const char *name, const char *text)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/out/%s", folder, name);
    cr_assert_eq(spira_file_write(path, text, strlen(text), &err), SPIRA_OK, "%s", err.message);
}

static void setup(void)
{
    static const char *const folders[] = {"out/checkpoints", "check"};
    struct spira_error err;
    cr_assert(mkdtemp(folder));
    for (size_t i = 0; i < 2; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s/%s", folder, folders[i]);
        cr_assert_eq(spira_folder_make(path, &err), SPIRA_OK);
    }
    artifacts = over(spira_object_store_memory(spira_digest_openssl()));
    spira_job_init(&job, "model_training", 3, "models");
    spira_job_seal(&job, artifacts.digest);
    write_output("model.safetensors", "weights");
    write_output("training.jsonl", "{}\n");
    write_output(".hidden", "");
    write_output("checkpoints/step-000500.safetensors", "half of it");
}

static void teardown(void)
{
    struct spira_error err;
    spira_job_done(&job);
    spira_object_store_done(&artifacts.store);
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
}

TestSuite(artifact, .init = setup, .fini = teardown);

static enum spira_code try_put(int64_t epochs, spira_object_key *key_of,
                               struct spira_value **ret_artifact,
                               struct spira_value **ret_reference, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *out = spira_format("%s/out", folder);
    struct spira_value *result = spira_value_map();
    spira_value_set_int(result, "epochs", epochs);
    spira_value_set_real(result, "loss", 0.25);
    return spira_artifact_put(&artifacts, &job, out, key_of, result, ret_artifact, ret_reference,
                              err);
}

static struct spira_value *put(struct spira_value **ret_reference)
{
    struct spira_error err = {0};
    struct spira_value *artifact = NULL;
    cr_assert_eq(try_put(20, NULL, &artifact, ret_reference, &err), SPIRA_OK, "%s", err.message);
    return artifact;
}

static void put_and_forget(void)
{
    struct spira_value *reference = NULL;
    spira_value_free(put(&reference));
    spira_value_free(reference);
}

/* Whether a finished artifact is there; what find gives is freed. */
static bool found(void)
{
    struct spira_error err = {0};
    struct spira_value *artifact = NULL, *reference = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *check = spira_format("%s/check", folder);
    cr_assert_eq(spira_artifact_find(&artifacts, &job, check, &artifact, &reference, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(!artifact, !reference);
    cr_assert_eq(rmdir(check), 0, "the folder is left as it was");
    cr_assert_eq(mkdir(check, 0755), 0);
    bool there = artifact != NULL;
    spira_value_free(artifact);
    spira_value_free(reference);
    return there;
}

static struct spira_bytes bytes_of(const char *name)
{
    struct spira_error err = {0};
    struct spira_bytes bytes = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(&job, name);
    cr_assert_eq(spira_store_get(artifacts.store, key, 10000, &bytes, &err), SPIRA_OK, "%s",
                 err.message);
    return bytes;
}

static bool is_there(const char *name)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(&job, name);
    return spira_store_stat(artifacts.store, key, NULL, &err) == SPIRA_OK;
}

/* Something the store knows nothing of changes an object. */
static void alter(const char *name, const void *data, size_t size)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(&job, name);
    cr_assert_eq(spira_store_remove(artifacts.store, key, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(artifacts.store, key, data, size, &err), SPIRA_OK);
}

Test(artifact, a_finished_one_is_found_again_with_its_result)
{
    cr_assert(!found());
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = put(&reference);
    SPIRA_CLEANUP(spira_free_at)
    char *check = spira_format("%s/check", folder);
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *again = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference_again = NULL;
    cr_assert_eq(spira_artifact_find(&artifacts, &job, check, &again, &reference_again, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert(spira_value_equal(again, artifact));
    cr_assert(spira_value_equal(reference_again, reference));
    cr_assert_str_eq(spira_value_get_text(again, "step", ""), "model_training");
    cr_assert_eq(spira_value_get_int(again, "version", 0), 3);
    cr_assert_eq(spira_value_as_int(spira_value_find(again, "result.epochs"), 0), 20);
    cr_assert_eq(spira_value_as_real(spira_value_find(again, "result.loss"), 0), 0.25);
}

Test(artifact, lists_each_output_with_its_digest_and_no_folder)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = put(&reference);
    cr_assert_eq(spira_value_count(spira_value_get(artifact, "files")), 2);
    const struct spira_value *file = spira_artifact_file(artifact, "model.safetensors");
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(&job, "model.safetensors");
    cr_assert_str_eq(spira_value_get_text(file, "key", ""), key);
    cr_assert_eq(spira_value_get_int(file, "bytes", 0), 7);
    cr_assert_str_eq(spira_value_get_text(file, "sha256", ""),
                     spira_digest_bytes(artifacts.digest, "weights", 7).hex);
    cr_assert_null(spira_artifact_file(artifact, "safetensors"));
    cr_assert_null(spira_artifact_file(artifact, "step-000500.safetensors"));
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = bytes_of("model.safetensors");
    cr_assert_str_eq(bytes.data, "weights");
}

Test(artifact, the_same_outputs_again_are_the_same_artifact_and_others_an_alarm)
{
    put_and_forget();
    put_and_forget();
    struct spira_error err;
    struct spira_value *artifact = NULL, *reference = NULL;
    cr_assert_eq(try_put(21, NULL, &artifact, &reference, &err), SPIRA_EDETERMINISM,
                 "another result");
    write_output("model.safetensors", "other weights");
    cr_assert_eq(try_put(20, NULL, &artifact, &reference, &err), SPIRA_EDETERMINISM);
    cr_assert(!artifact && !reference);
}

Test(artifact, a_missing_object_makes_it_computed_again)
{
    put_and_forget();
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_job_object(&job, "training.jsonl");
    cr_assert_eq(spira_store_remove(artifacts.store, key, &err), SPIRA_OK);
    cr_assert(!found());
    put_and_forget();
    cr_assert(found());
}

Test(artifact, altered_objects_are_removed_and_can_be_made_again)
{
    put_and_forget();
    alter("model.safetensors", "weightz", 7);
    alter("training.jsonl", "{}", 2);
    cr_assert(!found());
    cr_assert(!is_there("model.safetensors"));
    cr_assert(!is_there("training.jsonl"));
    cr_assert(!is_there("artifact.json"));
    put_and_forget();
    cr_assert(found());
    alter("model.safetensors", "weightz", 7);
    cr_assert(!found(), "one of two, the first");
    cr_assert(is_there("training.jsonl"));
}

Test(artifact, whichever_byte_of_its_description_was_altered_it_is_computed_again)
{
    put_and_forget();
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes whole = bytes_of("artifact.json");
    size_t believed = 0;
    for (size_t i = 0; i < whole.size; i++) {
        char *altered = spira_alloc(whole.size, 1);
        memcpy(altered, whole.data, whole.size);
        altered[i] ^= 1;
        alter("artifact.json", altered, whole.size);
        believed += found();
        free(altered);
        put_and_forget();
    }
    cr_assert_eq(believed, 0, "%zu of %zu", believed, whole.size);
    alter("artifact.json", "[]", 2);
    cr_assert(!found());
}

Test(artifact, half_written_is_no_artifact_and_is_completed)
{
    enum { CALLS = 16 };
    size_t nth = 0;
    for (bool whole = false; !whole; nth++) {
        for (int after = 0; after < 2; after++) {
            enum spira_code codes[CALLS] = {SPIRA_OK};
            for (size_t i = nth; i < CALLS; i++)
                codes[i] = SPIRA_EIO;
            struct spira_flaky_script script = {.codes = codes, .count = CALLS, .after = after};
            spira_object_store_done(&artifacts.store);
            artifacts = over(spira_object_store_flaky(
                spira_object_store_memory(spira_digest_openssl()), &script, 1));
            struct spira_error err;
            struct spira_value *artifact = NULL, *reference = NULL;
            enum spira_code code = try_put(20, NULL, &artifact, &reference, &err);
            whole = code == SPIRA_OK;
            cr_assert(whole || (code == SPIRA_EIO && !artifact && !reference));
            spira_value_free(artifact);
            spira_value_free(reference);
            script.count = 0;
            cr_assert_eq(found(), whole || (after && nth == 2),
                         "call %zu: only the last one finishes it", nth);
            put_and_forget();
            cr_assert(found());
        }
        cr_assert_lt(nth, CALLS);
    }
    cr_assert_eq(nth, 4, "two outputs, then the artifact");
}

static char *by_digest(const struct spira_job *of, const char *name,
                       const struct spira_value *result)
{
    (void)of;
    return spira_format("audio/%s-%jd", name, (intmax_t)spira_value_get_int(result, "epochs", 0));
}

Test(artifact, outputs_can_have_keys_of_their_own)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *artifact = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = NULL;
    cr_assert_eq(try_put(20, by_digest, &artifact, &reference, &err), SPIRA_OK, "%s", err.message);
    cr_assert(spira_artifact_file(artifact, "model.safetensors-20"));
    cr_assert_eq(spira_store_stat(artifacts.store, "audio/training.jsonl-20", NULL, &err),
                 SPIRA_OK);
    cr_assert(is_there("artifact.json"));
    cr_assert(found());
}

Test(artifact, a_store_that_fails_now_is_not_taken_for_a_missing_artifact)
{
    put_and_forget();
    for (size_t nth = 0; nth < 3; nth++) {
        enum spira_code codes[3] = {SPIRA_OK};
        codes[nth] = SPIRA_EUNREACHABLE;
        struct spira_flaky_script script = {.codes = codes, .count = 0};
        spira_object_store_done(&artifacts.store);
        artifacts = over(spira_object_store_flaky(spira_object_store_memory(spira_digest_openssl()),
                                                  &script, 1));
        put_and_forget();
        script.count = 3;
        script.played = 0;
        struct spira_error err;
        struct spira_value *artifact = NULL, *reference = NULL;
        SPIRA_CLEANUP(spira_free_at)
        char *check = spira_format("%s/check", folder);
        cr_assert_eq(spira_artifact_find(&artifacts, &job, check, &artifact, &reference, &err),
                     SPIRA_EUNREACHABLE, "call %zu", nth);
        script.count = 0;
        cr_assert(found(), "and nothing was removed");
    }
}
