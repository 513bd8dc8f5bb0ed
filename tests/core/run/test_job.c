#include <criterion/criterion.h>

#include "core/run/job.h"
#include "tests/fakes/fake_digest.h"

static struct spira_job job;

/* The job whose key the tests below compare with. */
static void begin(const char *step, unsigned version)
{
    spira_job_init(&job, step, version, "models");
    spira_value_set_int(job.parameters, "epochs", 20);
    spira_value_set_real(job.parameters, "rate", 0.001);
    job.seed = 42;
}

static void add_inputs(void)
{
    spira_job_input(&job, "dataset.json", "dataset/d/dataset.json", "dd", NULL);
    spira_job_input(&job, "weights", "models/w/model", "ee", NULL);
}

/* Seals the job and ends it. */
static struct spira_sha256 key(void)
{
    spira_job_seal(&job, fake_digest());
    struct spira_sha256 sealed = job.key;
    cr_assert(spira_sha256_valid(sealed.hex));
    spira_job_done(&job);
    return sealed;
}

static struct spira_sha256 usual_key(void)
{
    begin("model_training", 1);
    add_inputs();
    return key();
}

Test(job, the_same_job_has_the_same_key)
{
    cr_assert_str_eq(usual_key().hex, usual_key().hex);
}

Test(job, the_order_and_the_place_of_inputs_do_not_matter)
{
    begin("model_training", 1);
    spira_job_input(&job, "w", "elsewhere", "ee", NULL);
    spira_job_input(&job, "d", "elsewhere", "dd", NULL);
    cr_assert_str_eq(key().hex, usual_key().hex);
}

Test(job, the_order_of_parameters_does_not_matter)
{
    spira_job_init(&job, "model_training", 1, "models");
    spira_value_set_real(job.parameters, "rate", 0.001);
    spira_value_set_int(job.parameters, "epochs", 20);
    job.seed = 42;
    add_inputs();
    cr_assert_str_eq(key().hex, usual_key().hex);
}

Test(job, every_part_that_decides_the_result_changes_the_key)
{
    struct spira_sha256 keys[9];
    size_t count = 0;
    keys[count++] = usual_key();
    begin("model_evaluation", 1);
    add_inputs();
    keys[count++] = key();
    begin("model_training", 2);
    add_inputs();
    keys[count++] = key();
    begin("model_training", 1);
    add_inputs();
    spira_value_set_int(job.parameters, "epochs", 21);
    keys[count++] = key();
    begin("model_training", 1);
    add_inputs();
    job.seed = 43;
    keys[count++] = key();
    begin("model_training", 1);
    add_inputs();
    free(job.generation);
    job.generation = spira_copy_text("0190b0f0-0000-7000-8000-000000000000");
    keys[count++] = key();
    begin("model_training", 1);
    spira_job_input(&job, "dataset.json", "dataset/d/dataset.json", "dd", NULL);
    keys[count++] = key();
    begin("model_training", 1);
    spira_job_input(&job, "dataset.json", "dataset/d/dataset.json", "dc", NULL);
    spira_job_input(&job, "weights", "models/w/model", "ee", NULL);
    keys[count++] = key();
    begin("model_training", 1);
    add_inputs();
    spira_job_input(&job, "weights", "models/w/model", "ee", NULL);
    keys[count++] = key();
    cr_assert_eq(count, sizeof keys / sizeof *keys);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(keys[i].hex, keys[j].hex, "%zu and %zu", i, j);
}

Test(job, seeds_beyond_what_json_numbers_hold_are_told_apart)
{
    begin("model_training", 1);
    job.seed = UINT64_MAX;
    struct spira_sha256 largest = key();
    begin("model_training", 1);
    job.seed = UINT64_MAX - 1;
    cr_assert_str_neq(key().hex, largest.hex);
}

Test(job, an_identity_stands_for_the_digest_and_an_empty_one_for_nothing)
{
    begin("model_training", 1);
    spira_job_input(&job, "dataset.json", "dataset/d/dataset.json", "12", "dd");
    spira_job_input(&job, "weights", "models/w/model", "ee", NULL);
    spira_job_input(&job, "shard", "features/f/shard", "34", "");
    cr_assert_str_eq(job.inputs[0].sha256.hex, "12", "what is fetched is still checked by it");
    cr_assert_str_eq(key().hex, usual_key().hex);
}

Test(job, an_input_by_reference_is_the_same_input)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = spira_value_map();
    spira_value_set_text(reference, "key", "dataset/d/dataset.json");
    spira_value_set_text(reference, "sha256", "dd");
    begin("model_training", 1);
    spira_job_input_reference(&job, "dataset.json", reference, NULL);
    spira_job_input(&job, "weights", "models/w/model", "ee", NULL);
    cr_assert_str_eq(job.inputs[0].key, "dataset/d/dataset.json");
    cr_assert_str_eq(job.inputs[0].name, "dataset.json");
    cr_assert_str_eq(key().hex, usual_key().hex);
}

Test(job, objects_lie_below_prefix_and_key)
{
    begin("model_training", 1);
    spira_job_seal(&job, fake_digest());
    SPIRA_CLEANUP(spira_free_at)
    char *object = spira_job_object(&job, "model.safetensors");
    SPIRA_CLEANUP(spira_free_at)
    char *expected = spira_format("models/%s/model.safetensors", job.key.hex);
    cr_assert_str_eq(object, expected);
    spira_job_done(&job);
    spira_job_done(&job);
}
