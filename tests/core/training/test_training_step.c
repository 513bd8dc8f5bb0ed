#include "core/training/training_step.h"

#include "core/training/loss.h"
#include "core/training/schedule.h"
#include "tests/core/training/training_fixture.h"

static struct fixture fixture;
static const size_t indices[] = {4, 7, 2};

static void set_up(void)
{
    fixture_init(&fixture);
    fixture.training.soft = 0.125f;
}

static void tear_down(void)
{
    fixture_done(&fixture);
}

TestSuite(training_step, .init = set_up, .fini = tear_down);

/* A state after earlier steps. */
static void new_state(struct spira_training_state *state)
{
    struct spira_network *network = NULL;
    cr_assert_eq(spira_network_new(&fixture.model, fixture.job.frames, FAKE_FEATURES,
                                   fixture.job.matrix, 1, &network, &fixture.err),
                 SPIRA_OK);
    spira_network_draw(network, 7, "");
    cr_assert_eq(spira_training_state_init(state, network, &fixture.err), SPIRA_OK);
    state->adam.steps = 9;
}

/* The same step as its parts say it: batch, weights, the network in calls of so many windows, Adam.
 * Returns the loss. */
static double step_by_hand(struct spira_training_state *state, size_t epoch, size_t windows_at_once)
{
    struct spira_batch batch;
    double weights[FAKE_MAX_WINDOWS], losses[FAKE_MAX_WINDOWS], loss = 0;
    cr_assert_eq(spira_loader_load(fixture.job.training, epoch, indices, 3, &batch, &fixture.err),
                 SPIRA_OK);
    cr_assert_eq(spira_loader_show(fixture.job.training, 0, batch.count, &fixture.err), SPIRA_OK);
    bool per_frame = fixture.job.frames == 0;
    spira_loss_weights(batch.windows, batch.count, per_frame, fixture.train.class_balancing,
                       weights);
    for (size_t i = 0; i < batch.count; i += windows_at_once) {
        const struct spira_dropout dropout = {
            .share = 0.2, .seed = 42, .step = 10, .first_window = i};
        size_t count = batch.count - i < windows_at_once ? batch.count - i : windows_at_once;
        cr_assert_eq(spira_network_train(state->network, batch.windows + i, count, weights + i,
                                         true, &dropout, losses + i, NULL, &fixture.err),
                     SPIRA_OK);
    }
    for (size_t i = 0; i < batch.count; i++)
        loss += weights[i] * losses[i] / (per_frame ? (double)batch.count : 1);
    struct spira_trained trained = spira_network_trained(state->network);
    spira_adam_step(&state->adam, trained.values, trained.gradients, spira_noam_rate(1e-3, 4, 10),
                    0.01, 1);
    return loss;
}

static void expect_step_by_hand(size_t windows_at_once)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state twin = {0};
    new_state(&state);
    new_state(&twin);
    struct spira_trained trained = spira_network_trained(state.network);
    struct spira_trained expected = spira_network_trained(twin.network);
    for (size_t i = 0; i < trained.count; i++)
        trained.gradients[i] = 99; /* of the step before */
    double loss;
    enum spira_code code =
        spira_training_step(&fixture.job, &state, 5, indices, &loss, &fixture.err);
    cr_assert_eq(code, SPIRA_OK, "%s", fixture.err.message);
    double by_hand = step_by_hand(&twin, 5, windows_at_once);
    cr_assert_float_eq(loss, by_hand, 1e-12);
    cr_assert_eq(state.adam.steps, 10);
    size_t bytes = trained.count * sizeof(float);
    cr_assert_eq(memcmp(trained.values, expected.values, bytes), 0);
    cr_assert_eq(memcmp(state.adam.second, twin.adam.second, bytes), 0);
}

Test(training_step, v2_takes_its_windows_32_at_a_time)
{
    fixture.training.long_one = 7;
    expect_step_by_hand(32);
}

Test(training_step, v1_takes_the_whole_batch_at_once)
{
    fixture.model.norm = SPIRA_BATCH_NORM;
    fixture.train.max_batch_windows = FAKE_MAX_WINDOWS;
    fixture.training.long_one = 7;
    expect_step_by_hand(FAKE_MAX_WINDOWS);
}

Test(training_step, balanced_weighs_by_class)
{
    fixture.train.class_balancing = true;
    expect_step_by_hand(32);
}

Test(training_step, per_frame_adds_up_the_gradients_of_recordings)
{
    fixture.job.frames = 0;
    fixture.training.lengths = true;
    expect_step_by_hand(32);
}

Test(training_step, per_frame_v1_takes_one_recording_at_a_time)
{
    fixture.job.frames = 0;
    fixture.training.lengths = true;
    fixture.model.norm = SPIRA_BATCH_NORM;
    expect_step_by_hand(1);
}

Test(training_step, a_batch_without_windows_is_refused)
{
    fixture.training.empty_one = 4;
    fixture.train.batch_recordings = 1;
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    new_state(&state);
    double loss;
    cr_assert_eq(spira_training_step(&fixture.job, &state, 0, indices, &loss, &fixture.err),
                 SPIRA_EINVALID);
    cr_assert_str_eq(fixture.err.message, "recording recording-4 has no window");
    cr_assert_eq(state.adam.steps, 9, "the step is not done");
}

Test(training_step, the_limit_of_a_loss_is_still_allowed)
{
    struct spira_error err;
    const struct spira_train_config config = {.max_loss = 2};
    cr_assert_eq(spira_training_check_loss(&config, "training", 2, 0, 1, &err), SPIRA_OK);
    cr_assert_eq(spira_training_check_loss(&config, "training", INFINITY, 6, 99, &err),
                 SPIRA_EDIVERGED);
    cr_assert_str_eq(err.message, "epoch 7, step 99: the training loss is inf, more than "
                                  "train.max_loss (2)");
}
