/* How a run's trainings are asked for; what a training does is in tests/core/training. */
#include "workers/model_training/model_training.h"

#include <criterion/criterion.h>

#include "tests/workers/fixture.h"
#include "workers/model_training/train_member.h"

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
    spira_value_free(fixture_manifest(
        &fixture, "{'train': {'folds': 3, 'seeds': [7, 8]}, 'transform': {'noise': null}}"));
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(model_training, .init = setup, .fini = teardown);

/* Gives what is to be freed: an event about the run and its dataset. */
static struct spira_value *about_run(void)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "dataset", fixture_put(&fixture, "dataset/d/dataset.json", "{}"));
    return event;
}

static struct spira_step_outcome take(const struct spira_step *step,
                                      const struct spira_message *message)
{
    struct spira_step_outcome outcome = {0};
    struct spira_error err = {0};
    cr_assert_eq(
        spira_step_run(&fixture.worker, step, message, (struct spira_progress){0}, &outcome, &err),
        SPIRA_OK, "%s", err.message);
    return outcome;
}

Test(model_training, each_member_of_a_run_is_asked_for_under_a_key_of_its_own)
{
    const struct spira_message *completed =
        fixture_emit(&fixture, "features.completed", about_run());
    struct spira_step_outcome outcome = take(&spira_model_training_step, completed);
    cr_assert_not(outcome.computed);
    cr_assert_eq(fixture_count(&fixture, "training.requested"), 6u);
    for (size_t i = 0; i < 6; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *event = fixture_event(&fixture, "training.requested", i);
        cr_assert_eq(spira_value_get_int(event, "member", -1), (int64_t)i);
        cr_assert_eq(spira_value_get_int(event, "members", -1), 6);
        cr_assert_str_eq(spira_value_as_text(spira_value_find(event, "dataset.key"), ""),
                         "dataset/d/dataset.json");
        cr_assert_null(spira_value_get(event, "execution"), "nothing was trained yet");
        SPIRA_CLEANUP(spira_free_at)
        char *key = spira_format("%s/%05zu", RUN_ID, i);
        const struct spira_message *message = fixture_message(&fixture, "training.requested", i);
        cr_assert_str_eq(message->key, key);
        cr_assert_str_eq(spira_message_header(message, "ce_subject"), RUN_ID);
    }
    cr_assert_eq(fixture_count(&fixture, "model.trained"), 0u);
}

Test(model_training, what_is_asked_for_again_has_the_same_id)
{
    const struct spira_message *completed =
        fixture_emit(&fixture, "features.completed", about_run());
    take(&spira_model_training_step, completed);
    take(&spira_model_training_step, completed);
    cr_assert_eq(fixture_count(&fixture, "training.requested"), 12u);
    for (size_t i = 0; i < 6; i++)
        cr_assert_str_eq(
            spira_message_header(fixture_message(&fixture, "training.requested", i), "ce_id"),
            spira_message_header(fixture_message(&fixture, "training.requested", i + 6), "ce_id"));
}

Test(model_training, a_member_that_the_run_does_not_have_fails_it)
{
    struct spira_value *event = about_run();
    spira_value_set_int(event, "member", 6);
    spira_value_set_int(event, "members", 6);
    struct spira_step_outcome outcome =
        take(&spira_train_member_step, fixture_emit(&fixture, "training.requested", event));
    cr_assert_str_eq(outcome.status, "failed");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    cr_assert(strstr(spira_value_get_text(failed, "message", ""), "training 6"), "%s",
              spira_value_get_text(failed, "message", ""));
}
