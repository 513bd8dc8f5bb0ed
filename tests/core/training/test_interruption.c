/* A training that is stopped, killed or robbed of its checkpoints ends with the same bytes. */
#include "tests/core/training/training_fixture.h"

static struct fixture fixture;

/* Stops at a call of its own; counts them. */
struct stopper {
    size_t calls, stop_at; /* from 1; 0: never */
    struct spira_progress_report last;
    size_t reports;
};

static struct stopper stopper;

static bool stop_wanted(void *self)
{
    struct stopper *own = self;
    return ++own->calls == own->stop_at;
}

static void note_report(void *self, const struct spira_progress_report *report)
{
    struct stopper *own = self;
    cr_assert_lt(own->last.done, report->done, "progress goes forward");
    own->last = *report;
    own->reports++;
}

static const struct spira_progress_ops stopper_ops = {.report = note_report,
                                                      .stop_wanted = stop_wanted};

static void set_up(void)
{
    fixture_init(&fixture);
    stopper = (struct stopper){0};
    fixture.job.progress = (struct spira_progress){.ops = &stopper_ops, .self = &stopper};
}

static void tear_down(void)
{
    fixture_done(&fixture);
}

TestSuite(interruption, .init = set_up, .fini = tear_down);

static void train_well(void)
{
    stopper = (struct stopper){0};
    enum spira_code code = fixture_train(&fixture);
    cr_assert_eq(code, SPIRA_OK, "%s", fixture.err.message);
}

static void train_until(size_t call)
{
    stopper = (struct stopper){.stop_at = call};
    enum spira_code code = fixture_train(&fixture);
    cr_assert_eq(code, SPIRA_EINTERRUPTED, "%s: %s", spira_code_name(code), fixture.err.message);
}

/* What an undisturbed training gives. */
struct outcome {
    struct spira_sha256 model, log;
};

static struct outcome outcome(void)
{
    return (struct outcome){digest_of(fixture.weights), digest_of(fixture.log)};
}

static void remove_checkpoints(void)
{
    cr_assert_eq(spira_tree_remove(fixture.checkpoints, &fixture.err), SPIRA_OK);
    cr_assert_eq(spira_folder_make(fixture.checkpoints, &fixture.err), SPIRA_OK);
}

static void expect_same(const struct outcome *expected, const char *when, size_t number)
{
    struct outcome found = outcome();
    cr_assert_str_eq(found.model.hex, expected->model.hex, "the model, %s %zu", when, number);
    cr_assert_str_eq(found.log.hex, expected->log.hex, "the log, %s %zu", when, number);
}

static void stop_everywhere(void)
{
    train_well();
    struct outcome expected = outcome();
    size_t calls = stopper.calls;
    cr_assert_geq(calls, 9 + 3, "before each step and in each validation");
    size_t best_epoch = fixture.result.best_epoch;
    for (size_t call = 1; call <= calls; call++) {
        remove_checkpoints();
        cr_assert_eq(unlink(fixture.weights), 0);
        cr_assert_eq(unlink(fixture.log), 0);
        train_until(call);
        cr_assert_geq(checkpoint_count(&fixture), 1);
        cr_assert_neq(access(fixture.weights, F_OK), 0);
        train_well();
        cr_assert_leq(stopper.calls, calls - call + 2, "what was done is not done again");
        expect_same(&expected, "stopped at call", call);
        cr_assert_eq(fixture.result.best_epoch, best_epoch);
    }
}

Test(interruption, a_training_stopped_anywhere_goes_on_to_the_same_bytes, .timeout = 100)
{
    /* So high a rate that the best epoch is not the last. */
    fixture.train.learning_rate = 0.3;
    fixture.train.noam = false;
    stop_everywhere();
    cr_assert_lt(fixture.result.best_epoch, 3);
}

Test(interruption, a_v1_training_stopped_anywhere_goes_on_to_the_same_bytes, .timeout = 100)
{
    fixture.model.norm = SPIRA_BATCH_NORM;
    fixture.train.checkpoint_interval = 2;
    stop_everywhere();
}

Test(interruption, a_training_stopped_before_every_step_goes_on_to_the_same_bytes)
{
    train_well();
    struct outcome expected = outcome();
    remove_checkpoints();
    enum spira_code code = SPIRA_EINTERRUPTED;
    for (size_t stops = 0; code == SPIRA_EINTERRUPTED; stops++) {
        cr_assert_lt(stops, 50, "it never ends");
        /* The first call is before a step that must not be done, the second after one. */
        stopper = (struct stopper){.stop_at = stops ? 3 : 1};
        code = fixture_train(&fixture);
    }
    cr_assert_eq(code, SPIRA_OK, "%s", fixture.err.message);
    expect_same(&expected, "stopped", 0);
}

Test(interruption, early_stop_remembers_the_epochs_before_the_interruption)
{
    fixture.train.epochs = 100;
    fixture.train.learning_rate = 0;
    fixture.train.early_stop_epochs = 4;
    train_until(14);
    train_well();
    cr_assert_eq(fixture.result.epochs, 5);
    cr_assert_eq(fixture.result.best_epoch, 1);
}

Test(interruption, checkpoints_come_at_their_interval_and_the_two_newest_stay)
{
    fixture.train.checkpoint_interval = 2;
    train_well();
    cr_assert_eq(checkpoint_count(&fixture), 2);
    cr_assert(has_checkpoint(&fixture, 6));
    cr_assert(has_checkpoint(&fixture, 8));
}

Test(interruption, without_an_interval_only_a_stop_leaves_a_checkpoint)
{
    train_well();
    cr_assert_eq(checkpoint_count(&fixture), 0);
    train_until(6);
    cr_assert_eq(checkpoint_count(&fixture), 1);
}

/* Leaves checkpoints of steps 4 and 6, and the bytes to end with. */
static struct outcome leave_two_checkpoints(char *newest, char *older, size_t size)
{
    fixture.train.checkpoint_interval = 2;
    train_well();
    struct outcome expected = outcome();
    remove_checkpoints();
    /* Three steps and two looks of the validation each epoch: the ninth look is after step 6. */
    train_until(9);
    cr_assert(has_checkpoint(&fixture, 4) && has_checkpoint(&fixture, 6));
    snprintf(newest, size, "%s/step-000006.safetensors", fixture.checkpoints);
    snprintf(older, size, "%s/step-000004.safetensors", fixture.checkpoints);
    return expected;
}

Test(interruption, a_damaged_checkpoint_falls_back_to_the_one_before)
{
    char newest[160], older[160];
    struct outcome expected = leave_two_checkpoints(newest, older, sizeof newest);
    damage(newest, 5000, SIZE_MAX);
    fixture.training.loaded_count = 0;
    train_well();
    expect_same(&expected, "fallen back", 0);
    cr_assert_eq(fixture.training.loaded_count, 5 * 3, "from step 4 to 9");
}

Test(interruption, with_no_whole_checkpoint_the_training_begins_anew)
{
    char newest[160], older[160];
    struct outcome expected = leave_two_checkpoints(newest, older, sizeof newest);
    damage(newest, SIZE_MAX, 6000);
    damage(older, 0, SIZE_MAX);
    fixture.training.loaded_count = 0;
    train_well();
    expect_same(&expected, "begun anew", 0);
    cr_assert_eq(fixture.training.loaded_count, 9 * 3);
}

Test(interruption, a_checkpoint_of_another_training_is_not_used)
{
    fixture.train.checkpoint_interval = 2;
    train_well();
    remove_checkpoints();
    fixture.job.seed = 43;
    train_until(9);
    fixture.job.seed = 42;
    fixture.training.loaded_count = 0;
    train_well();
    cr_assert_eq(fixture.training.loaded_count, 9 * 3, "another seed");
    remove_checkpoints();
    train_until(9);
    fixture.training.first = 50;
    fixture.training.loaded_count = 0;
    train_well();
    cr_assert_eq(fixture.training.loaded_count, 9 * 3, "other recordings");
}

Test(interruption, another_checkpoint_interval_is_no_other_training)
{
    fixture.train.checkpoint_interval = 2;
    train_until(9);
    fixture.train.checkpoint_interval = 0;
    fixture.training.loaded_count = 0;
    train_well();
    cr_assert_lt(fixture.training.loaded_count, 9 * 3);
}

Test(interruption, a_missing_checkpoint_folder_is_named)
{
    fixture.job.checkpoint_folder = "/nowhere/at/all";
    cr_assert_eq(fixture_train(&fixture), SPIRA_ENOTFOUND);
    cr_assert_not_null(strstr(fixture.err.message, "/nowhere/at/all"));
}

Test(interruption, progress_tells_steps_epochs_and_losses)
{
    train_well();
    cr_assert_eq(stopper.reports, 9);
    cr_assert_eq(stopper.last.done, 9);
    cr_assert_eq(stopper.last.total, 9);
    cr_assert_eq(stopper.last.epoch, 3);
    cr_assert_eq(stopper.last.epochs, 3);
    cr_assert_gt(stopper.last.loss, 0);
    cr_assert_gt(stopper.last.validation_loss, 0);
    train_until(2);
    cr_assert_eq(stopper.last.epoch, 1);
    cr_assert(isnan(stopper.last.validation_loss), "no epoch is done");
}
