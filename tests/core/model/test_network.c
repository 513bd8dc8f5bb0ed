#include "core/model/network.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/base/dispatch.h"
#include "core/base/random.h"
#include "core/model/spiraconv.h"
#include "tests/fakes/fake_matrix.h"
#include "tests/oracle/spiraconv_oracle.h"

enum { FRAMES = 98, MOST_FRAMES = 128, MOST_FEATURES = 8, HIDDEN = 5, WINDOWS = 3 };

/* Of every network here: 3 go through the matrix port, 8 through the kernel's front where the norm
 * is GroupNorm. */
static size_t features = 3;

static struct spira_error err;

static void must(enum spira_code code)
{
    cr_assert_eq(code, SPIRA_OK, "%s", err.message);
}

/* A network with drawn parameters, also where a draw would give plain ones and zeros. */
static struct spira_network *make_network(enum spira_norm norm, size_t frames, size_t threads)
{
    const struct spira_model_config config = {.norm = norm, .fc1_dim = HIDDEN, .fc2_dim = 1};
    struct spira_network *network = NULL;
    must(spira_network_new(&config, frames, features, fake_matrix(), threads, &network, &err));
    cr_assert_gt(spira_network_draw(network, 1, ""), 0);
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    struct spira_random random = spira_random_stream(2, SPIRA_FOR_WEIGHTS, 0, 0);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; parameters[i].value && j < parameters[i].count; j++)
            if (strstr(parameters[i].name, "running_var"))
                parameters[i].value[j] = (float)(0.5 + spira_random_unit(&random));
            else
                parameters[i].value[j] +=
                    (float)(0.9 / (double)features * spira_random_normal(&random));
    return network;
}

/* Windows of noise about a level that is large against it, as raw cepstral coefficients are. */
static void make_windows(size_t frames, struct spira_window windows[WINDOWS])
{
    static float data[WINDOWS * MOST_FRAMES * MOST_FEATURES];
    cr_assert_leq(frames, (size_t)MOST_FRAMES);
    struct spira_random random = spira_random_stream(3, SPIRA_FOR_NOISE, 0, 0);
    for (size_t i = 0; i < WINDOWS * frames * features; i++)
        data[i] = (float)(spira_random_normal(&random) + 4);
    for (size_t i = 0; i < WINDOWS; i++)
        windows[i] = (struct spira_window){.data = data + i * frames * features,
                                           .frames = frames,
                                           .label = (float[]){1, 0, 0.25f}[i]};
}

static struct oracle make_oracle(const struct spira_network *network, enum spira_norm norm,
                                 bool training, bool per_frame, const struct spira_dropout *dropout)
{
    struct oracle oracle = {.batch_norm = norm == SPIRA_BATCH_NORM,
                            .training = training,
                            .per_frame = per_frame,
                            .features = features,
                            .hidden = HIDDEN,
                            .count = WINDOWS,
                            .dropout = dropout};
    oracle.parameters = spira_network_parameters(network, &oracle.parameter_count);
    oracle.values = spira_alloc(oracle.parameter_count, sizeof *oracle.values);
    for (size_t i = 0; i < oracle.parameter_count; i++) {
        oracle.values[i] = spira_alloc(oracle.parameters[i].count, sizeof(double));
        for (size_t j = 0; oracle.parameters[i].value && j < oracle.parameters[i].count; j++)
            oracle.values[i][j] = (double)oracle.parameters[i].value[j];
    }
    return oracle;
}

static void oracle_done(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->parameter_count; i++)
        free(oracle->values[i]);
    free(oracle->values);
}

/* The derivative of the loss by one value of the oracle, by central differences. */
static double difference(const struct oracle *oracle, double *value,
                         const struct spira_window *windows, const double *weights)
{
    const double step = 1e-7; /* past few maxima that change hands */
    double losses[WINDOWS], kept = *value;
    *value = kept + step;
    double above = oracle_loss(oracle, windows, weights, losses, NULL);
    *value = kept - step;
    double below = oracle_loss(oracle, windows, weights, losses, NULL);
    *value = kept;
    return (above - below) / (2 * step);
}

/* Compares up to 5 values of each gradient with the oracle's differences. */
static void check_gradients(const struct spira_network *network, const struct oracle *oracle,
                            const struct spira_window *windows, const double *weights)
{
    struct spira_trained trained = spira_network_trained(network);
    double largest = 0;
    for (size_t i = 0; i < trained.count; i++)
        largest = fmax(largest, fabs((double)trained.gradients[i]));
    cr_assert_gt(largest, 1e-3);
    for (size_t i = 0; i < oracle->parameter_count; i++) {
        const struct spira_parameter *parameter = &oracle->parameters[i];
        size_t stride = parameter->count / 5 + 1;
        for (size_t j = 0; parameter->gradient && j < parameter->count; j += stride) {
            double expected = difference(oracle, &oracle->values[i][j], windows, weights);
            cr_assert_float_eq((double)parameter->gradient[j], expected,
                               1e-5 * largest + 1e-4 * fabs(expected), "%s[%zu]: %g, not %g",
                               parameter->name, j, (double)parameter->gradient[j], expected);
        }
    }
}

static void check_training(enum spira_norm norm, size_t frames, bool per_frame, double share)
{
    struct spira_network *network = make_network(norm, per_frame ? 0 : frames, 1);
    struct spira_window windows[WINDOWS];
    make_windows(frames, windows);
    const struct spira_dropout dropout = {.share = share, .seed = 4, .step = 5};
    const double weights[WINDOWS] = {0.5, 0.3, 0.7};
    size_t outputs = spira_network_outputs(network, frames);
    cr_assert_eq(outputs > 1, per_frame);
    SPIRA_CLEANUP(spira_free_at)
    double *ours = spira_alloc(WINDOWS * outputs, sizeof *ours);
    SPIRA_CLEANUP(spira_free_at)
    double *theirs = spira_alloc(WINDOWS * outputs, sizeof *theirs);
    double loss[WINDOWS], expected[WINDOWS];
    struct oracle oracle = make_oracle(network, norm, true, per_frame, &dropout);
    oracle_loss(&oracle, windows, weights, expected, theirs);
    must(spira_network_train(network, windows, WINDOWS, weights, true, &dropout, loss, ours, &err));
    for (size_t i = 0; i < WINDOWS; i++)
        cr_assert_float_eq(loss[i], expected[i], 1e-5 * (1 + expected[i]));
    for (size_t i = 0; i < WINDOWS * outputs; i++)
        cr_assert_float_eq(ours[i], theirs[i], 1e-5);
    check_gradients(network, &oracle, windows, weights);
    oracle_done(&oracle);
    spira_network_free(network);
}

/* check with the matrix port, and with the front at every level this machine has. */
static void at_every_level(void (*check)(void))
{
    check();
    features = 8;
    for (int level = 0; level <= (int)spira_dispatch_best(); level++) {
        setenv("SPIRA_DISPATCH", spira_dispatch_name((enum spira_dispatch)level), 1);
        check();
    }
}

static void check_whole_windows(void)
{
    for (int norm = SPIRA_BATCH_NORM; norm <= SPIRA_GROUP_NORM; norm++)
        for (size_t more = 0; more <= 3; more += 3) /* odd and even at every pooling */
            check_training((enum spira_norm)norm, FRAMES + more, false, 0);
}

Test(network, has_the_loss_and_gradients_of_its_definition, .timeout = 100)
{
    at_every_level(check_whole_windows);
}

static void check_per_frame(void)
{
    check_training(SPIRA_GROUP_NORM, FRAMES + 9, true, 0);
    check_training(SPIRA_BATCH_NORM, FRAMES + 9, true, 0);
}

Test(network, per_frame_has_the_loss_and_gradients_of_its_definition, .timeout = 100)
{
    at_every_level(check_per_frame);
}

static void check_dropout(void)
{
    check_training(SPIRA_GROUP_NORM, FRAMES, false, 0.5);
    check_training(SPIRA_GROUP_NORM, FRAMES + 3, false, 0.9);
    check_training(SPIRA_BATCH_NORM, FRAMES, false, 0.3);
    check_training(SPIRA_GROUP_NORM, FRAMES + 9, true, 0.5);
}

Test(network, drops_the_same_activations_forward_and_backward, .timeout = 100)
{
    at_every_level(check_dropout);
}

static void check_inference(void)
{
    for (int norm = SPIRA_BATCH_NORM; norm <= SPIRA_GROUP_NORM; norm++) {
        struct spira_network *network = make_network((enum spira_norm)norm, FRAMES, 2);
        struct spira_window windows[WINDOWS];
        make_windows(FRAMES, windows);
        struct oracle oracle = make_oracle(network, (enum spira_norm)norm, false, false, NULL);
        const double weights[WINDOWS] = {1, 1, 1};
        double ours[WINDOWS], theirs[WINDOWS], loss[WINDOWS], expected[WINDOWS];
        oracle_loss(&oracle, windows, weights, expected, theirs);
        must(spira_network_predict(network, windows, WINDOWS, true, loss, ours, &err));
        for (size_t i = 0; i < WINDOWS; i++) {
            cr_assert_float_eq(ours[i], theirs[i], 1e-5);
            cr_assert_float_eq(loss[i], expected[i], 1e-5 * (1 + expected[i]),
                               "norm %d, %zu features: %.9g, not %.9g", norm, features, loss[i],
                               expected[i]);
        }
        oracle_done(&oracle);
        spira_network_free(network);
    }
}

Test(network, predicts_without_dropout_and_with_running_statistics)
{
    at_every_level(check_inference);
}

Test(network, batch_norm_moves_the_running_statistics)
{
    struct spira_network *network = make_network(SPIRA_BATCH_NORM, FRAMES, 1);
    struct spira_window windows[WINDOWS];
    make_windows(FRAMES, windows);
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    const float *weight = parameters[0].value, *bias = parameters[1].value;
    cr_assert_str_eq(parameters[4].name, "conv.1.running_mean");
    cr_assert_str_eq(parameters[5].name, "conv.1.running_var");
    cr_assert_str_eq(parameters[6].name, "conv.1.num_batches_tracked");
    double before_mean = (double)parameters[4].value[0];
    double before_variance = (double)parameters[5].value[0];
    /* The first channel of the first convolution, as its definition says. */
    size_t out = FRAMES - 12;
    SPIRA_CLEANUP(spira_free_at)
    double *y = spira_alloc(WINDOWS * out * features, sizeof *y);
    for (size_t w = 0; w < WINDOWS; w++)
        for (size_t t = 0; t < out; t++)
            for (size_t f = 0; f < features; f++) {
                double sum = (double)bias[0];
                for (size_t k = 0; k < 7; k++)
                    sum += (double)weight[k] * (double)windows[w].data[(t + 2 * k) * features + f];
                y[(w * out + t) * features + f] = sum;
            }
    double mean, variance, values = (double)(WINDOWS * out * features);
    oracle_moments(y, out, 1, features, 0, WINDOWS, 0, 1, &mean, &variance);
    const double weights[WINDOWS] = {1, 1, 1};
    double loss[WINDOWS];
    must(spira_network_train(network, windows, WINDOWS, weights, true, NULL, loss, NULL, &err));
    cr_assert_float_eq((double)parameters[4].value[0], 0.9 * before_mean + 0.1 * mean, 1e-5);
    cr_assert_float_eq((double)parameters[5].value[0],
                       0.9 * before_variance + 0.1 * variance * values / (values - 1), 1e-5);
    cr_assert_eq(*parameters[6].number, 1);
    spira_network_free(network);
}

/* Trains once and gives all gradients and running statistics. */
static float *train_once(enum spira_norm norm, size_t threads, size_t calls, size_t *ret_count)
{
    struct spira_network *network = make_network(norm, FRAMES, threads);
    struct spira_window windows[WINDOWS];
    make_windows(FRAMES, windows);
    const double weights[WINDOWS] = {0.5, 0.3, 0.7};
    double loss[WINDOWS];
    for (size_t first = 0; first < WINDOWS; first += WINDOWS / calls) {
        const struct spira_dropout dropout = {
            .share = 0.4, .seed = 4, .step = 5, .first_window = first};
        must(spira_network_train(network, windows + first, WINDOWS / calls, weights + first, true,
                                 &dropout, loss, NULL, &err));
    }
    struct spira_trained trained = spira_network_trained(network);
    *ret_count = trained.count;
    float *gradients = spira_alloc(trained.count, sizeof *gradients);
    memcpy(gradients, trained.gradients, trained.count * sizeof *gradients);
    spira_network_free(network);
    return gradients;
}

static void check_threads(void)
{
    for (int norm = SPIRA_BATCH_NORM; norm <= SPIRA_GROUP_NORM; norm++) {
        size_t count;
        SPIRA_CLEANUP(spira_free_at)
        float *one = train_once((enum spira_norm)norm, 1, 1, &count);
        for (size_t threads = 2; threads <= 3; threads++) {
            SPIRA_CLEANUP(spira_free_at)
            float *more = train_once((enum spira_norm)norm, threads, 1, &count);
            cr_assert_eq(memcmp(one, more, count * sizeof *one), 0);
        }
    }
}

Test(network, has_the_same_bits_for_any_number_of_threads)
{
    at_every_level(check_threads);
}

static void check_calls(void)
{
    size_t count;
    SPIRA_CLEANUP(spira_free_at)
    float *at_once = train_once(SPIRA_GROUP_NORM, 1, 1, &count);
    SPIRA_CLEANUP(spira_free_at)
    float *one_by_one = train_once(SPIRA_GROUP_NORM, 1, 3, &count);
    for (size_t i = 0; i < count; i++)
        cr_assert_float_eq(at_once[i], one_by_one[i], 1e-5);
    if (features == 8) /* the kernel's own products: the same bits */
        cr_assert_eq(memcmp(at_once, one_by_one, count * sizeof *at_once), 0);
}

Test(network, with_group_norm_adds_up_over_calls)
{
    at_every_level(check_calls);
}

Test(network, clips_each_logarithm_and_keeps_the_gradient)
{
    struct spira_network *network = make_network(SPIRA_GROUP_NORM, FRAMES, 1);
    struct spira_window windows[WINDOWS];
    make_windows(FRAMES, windows);
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    const struct spira_parameter *bias = &parameters[count - 1];
    cr_assert_str_eq(bias->name, "fc2.bias");
    bias->value[0] = 500;
    const double weights[WINDOWS] = {0, 1, 0}; /* the second window has label 0 */
    double loss[WINDOWS];
    must(spira_network_train(network, windows, WINDOWS, weights, true, NULL, loss, NULL, &err));
    cr_assert_float_eq(loss[1], 100, 1e-9);
    cr_assert_float_eq((double)bias->gradient[0], 1, 1e-6);
    must(spira_network_train(network, windows, WINDOWS, weights, false, NULL, loss, NULL, &err));
    cr_assert_gt(loss[1], 400);
    spira_network_free(network);
}

Test(network, draws_parameters_by_name_within_the_bounds_of_their_layer)
{
    struct spira_network *network = make_network(SPIRA_BATCH_NORM, FRAMES, 1);
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(network, &count);
    cr_assert_eq(spira_network_draw(network, 9, ""), count);
    double bound = 1 / sqrt(7.0), largest = 0;
    for (size_t i = 0; i < parameters[0].count; i++)
        largest = fmax(largest, fabs((double)parameters[0].value[i]));
    cr_assert(largest <= bound && largest > 0.9 * bound);
    cr_assert_eq(parameters[2].value[0], 1); /* gamma */
    cr_assert_eq(parameters[3].value[0], 0); /* beta */
    cr_assert_eq(parameters[4].value[0], 0); /* running mean */
    cr_assert_eq(parameters[5].value[0], 1); /* running variance */
    float first = parameters[0].value[0];
    struct spira_trained trained = spira_network_trained(network);
    memset(trained.values, 0, trained.count * sizeof *trained.values);
    cr_assert_eq(spira_network_draw(network, 9, "fc"), 4);
    cr_assert_eq(parameters[0].value[0], 0);
    cr_assert_eq(spira_network_draw(network, 9, "conv.0."), 2);
    cr_assert_eq(parameters[0].value[0], first);
    cr_assert_eq(spira_network_draw(network, 10, "conv.0."), 2);
    cr_assert_neq(parameters[0].value[0], first);
    cr_assert_eq(spira_network_draw(network, 9, "conv.2"), 0);
    spira_network_free(network);
}

Test(network, refuses_windows_that_do_not_fit)
{
    const struct spira_model_config config = {
        .norm = SPIRA_GROUP_NORM, .fc1_dim = HIDDEN, .fc2_dim = 1};
    size_t least = spira_conv_min_frames();
    struct spira_network *network = NULL;
    cr_assert_eq(spira_network_new(&config, least - 1, features, fake_matrix(), 1, &network, &err),
                 SPIRA_EINVALID);
    must(spira_network_new(&config, least, features, fake_matrix(), 1, &network, &err));
    struct spira_window windows[WINDOWS];
    make_windows(least + 1, windows);
    double probability[WINDOWS];
    cr_assert_eq(spira_network_predict(network, windows, 1, true, NULL, probability, &err),
                 SPIRA_EINVALID);
    spira_network_free(network);
    must(spira_network_new(&config, 0, features, fake_matrix(), 1, &network, &err));
    windows[1].frames = least - 1;
    cr_assert_eq(spira_network_predict(network, windows, 2, true, NULL, probability, &err),
                 SPIRA_EINVALID);
    spira_network_free(network);
}
