#include "core/training/validation.h"

#include "core/training/loss.h"
#include "core/training/score.h"
#include "tests/core/training/training_fixture.h"

static struct fixture fixture;
static struct spira_network *network;

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A network that was only drawn may call all recordings the same. */
static void move_scores_around_a_half(void)
{
    double scores[9];
    cr_assert_eq(spira_score_recordings(network, fixture.job.validation, fixture.job.progress,
                                        scores, &fixture.err),
                 SPIRA_OK);
    qsort(scores, 9, sizeof *scores, by_size);
    double middle = (scores[3] + scores[4]) / 2;
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(parameters[i].name, "fc2.bias") == 0)
            parameters[i].value[0] -= (float)log(middle / (1 - middle));
}

static void set_up(void)
{
    fixture_init(&fixture);
    cr_assert_eq(spira_network_new(&fixture.model, FAKE_FRAMES, FAKE_FEATURES, fixture.job.matrix,
                                   1, &network, &fixture.err),
                 SPIRA_OK);
    spira_network_draw(network, 7, "");
    move_scores_around_a_half();
}

static void tear_down(void)
{
    spira_network_free(network);
    fixture_done(&fixture);
}

TestSuite(validation, .init = set_up, .fini = tear_down);

static struct spira_validation validate(void)
{
    struct spira_validation validation;
    enum spira_code code = spira_validate(network, fixture.job.validation, &fixture.train,
                                          fixture.job.progress, &validation, &fixture.err);
    cr_assert_eq(code, SPIRA_OK, "%s", fixture.err.message);
    return validation;
}

/* All windows as one batch, weighed as a batch of the training is; count of recordings called
 * right. */
static double naive_loss(bool balanced, size_t *ret_right)
{
    size_t indices[9];
    struct spira_batch batch;
    double losses[FAKE_MAX_WINDOWS], probabilities[FAKE_MAX_WINDOWS], weights[FAKE_MAX_WINDOWS];
    for (size_t i = 0; i < 9; i++)
        indices[i] = i;
    cr_assert_eq(spira_loader_load(fixture.job.validation, 0, indices, 9, &batch, &fixture.err),
                 SPIRA_OK);
    cr_assert_eq(spira_loader_show(fixture.job.validation, 0, batch.count, &fixture.err), SPIRA_OK);
    cr_assert_eq(spira_network_predict(network, batch.windows, batch.count, true, losses,
                                       probabilities, &fixture.err),
                 SPIRA_OK);
    spira_loss_weights(batch.windows, batch.count, false, balanced, weights);
    double loss = 0, sums[9] = {0}, counts[9] = {0};
    for (size_t i = 0; i < batch.count; i++) {
        loss += weights[i] * losses[i];
        sums[batch.windows[i].recording] += probabilities[i];
        counts[batch.windows[i].recording]++;
    }
    *ret_right = 0;
    for (size_t i = 0; i < 9; i++)
        *ret_right += (sums[i] / counts[i] >= 0.5) == (fake_label(&fixture.validation, i) > 0.5f);
    return loss;
}

Test(validation, is_the_loss_of_all_windows_as_if_they_were_one_batch)
{
    size_t right;
    double loss = naive_loss(false, &right);
    struct spira_validation validation = validate();
    cr_assert(right > 0 && right < 9, "%zu", right);
    cr_assert_float_eq(validation.loss, loss, 1e-6);
    cr_assert_float_eq(validation.accuracy, (double)right / 9, 1e-12);
}

Test(validation, is_balanced_when_the_training_is)
{
    size_t right;
    double plain = naive_loss(false, &right), loss = naive_loss(true, &right);
    cr_assert_gt(fabs(plain - loss), 1e-5, "else nothing is shown");
    fixture.train.class_balancing = true;
    cr_assert_float_eq(validate().loss, loss, 1e-6);
}

Test(validation, accuracy_turns_round_with_the_labels)
{
    double accuracy = validate().accuracy;
    fixture.validation.soft = 1;
    cr_assert_float_eq(validate().accuracy, 1 - accuracy, 1e-12);
}

Test(validation, needs_a_recording)
{
    fixture.validation.recordings = 0;
    struct spira_validation validation;
    cr_assert_eq(spira_validate(network, fixture.job.validation, &fixture.train,
                                fixture.job.progress, &validation, &fixture.err),
                 SPIRA_EINVALID);
}
