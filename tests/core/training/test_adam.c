#include <criterion/criterion.h>
#include <math.h>

#include "core/base/random.h"
#include "core/training/adam.h"

static struct spira_adam new_adam(size_t count)
{
    struct spira_adam adam;
    struct spira_error err;
    cr_assert_eq(spira_adam_init(&adam, count, &err), SPIRA_OK);
    return adam;
}

Test(adam, follows_three_steps_computed_by_hand)
{
    /* w = 0.5, gradients 0.1, -0.2 and 0; each with 0.01 w added. */
    static const float gradients[] = {0.1f, -0.2f, 0};
    static const double expected[] = {0.4990000000952381, 0.49933773354813765, 0.49958432861989577};
    SPIRA_CLEANUP(spira_adam_done)
    struct spira_adam adam = new_adam(1);
    float value = 0.5f;
    for (size_t t = 0; t < 3; t++) {
        spira_adam_step(&adam, &value, &gradients[t], 1e-3, 0.01, 1);
        cr_assert_float_eq((double)value, expected[t], 6e-8, "step %zu: %.9g", t + 1,
                           (double)value);
    }
    cr_assert_eq(adam.steps, 3);
}

Test(adam, the_first_step_is_the_learning_rate_against_the_sign_of_any_gradient)
{
    static const float gradients[] = {1e-3f, -1e-3f, 100, -1e4f, 0};
    SPIRA_CLEANUP(spira_adam_done)
    struct spira_adam adam = new_adam(5);
    float values[5] = {0};
    spira_adam_step(&adam, values, gradients, 0.25, 0, 1);
    for (size_t i = 0; i < 5; i++) {
        float sign = (float)((gradients[i] > 0) - (gradients[i] < 0));
        cr_assert_float_eq(values[i], -0.25f * sign, 1e-5f);
    }
}

/* Kingma and Ba's algorithm 1 as it is written, in double. */
struct twin {
    double value, first, second;
};

static void twin_step(struct twin *twin, double gradient, double t, double rate, double decay)
{
    gradient += decay * twin->value;
    twin->first = 0.9 * twin->first + (1 - 0.9) * gradient;
    twin->second = 0.999 * twin->second + (1 - 0.999) * gradient * gradient;
    double first = twin->first / (1 - pow(0.9, t)), second = twin->second / (1 - pow(0.999, t));
    twin->value -= rate * first / (sqrt(second) + 1e-8);
}

/* More than one piece of the parallel loop, the last one not full. */
enum { COUNT = 40001, STEPS = 60 };

static float gradient_of(size_t i, size_t t)
{
    struct spira_random random = spira_random_stream(t, SPIRA_FOR_WEIGHTS, i, 0);
    return (float)(spira_random_normal(&random) * pow(10, (double)(i % 7) - 4));
}

Test(adam, keeps_close_to_a_naive_twin_in_double)
{
    SPIRA_CLEANUP(spira_adam_done)
    struct spira_adam adam = new_adam(COUNT);
    static float values[COUNT], gradients[COUNT];
    static struct twin twins[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = gradient_of(i, 0);
        twins[i].value = (double)values[i];
    }
    for (size_t t = 1; t <= STEPS; t++) {
        for (size_t i = 0; i < COUNT; i++) {
            gradients[i] = gradient_of(i, t);
            twin_step(&twins[i], (double)gradients[i], (double)t, 1e-3, 0.01);
        }
        spira_adam_step(&adam, values, gradients, 1e-3, 0.01, 2);
    }
    double worst = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double scale = fmax(1e-2, fabs(twins[i].value));
        worst = fmax(worst, fabs((double)values[i] - twins[i].value) / scale);
    }
    cr_assert_lt(worst, 2e-5, "%g", worst);
}

Test(adam, gives_the_same_bits_for_any_number_of_threads)
{
    static float values[3][COUNT], gradients[COUNT];
    for (size_t threads = 1; threads <= 3; threads++) {
        SPIRA_CLEANUP(spira_adam_done)
        struct spira_adam adam = new_adam(COUNT);
        for (size_t t = 1; t <= 3; t++) {
            for (size_t i = 0; i < COUNT; i++)
                gradients[i] = gradient_of(i, t);
            spira_adam_step(&adam, values[threads - 1], gradients, 1e-2, 0.01, threads);
        }
    }
    cr_assert_eq(memcmp(values[0], values[1], sizeof values[0]), 0);
    cr_assert_eq(memcmp(values[0], values[2], sizeof values[0]), 0);
    cr_assert_neq(values[0][COUNT - 1], 0, "the last piece is done too");
}

Test(adam, refuses_more_parameters_than_there_is_memory)
{
    struct spira_adam adam = {0};
    struct spira_error err;
    cr_assert_eq(spira_adam_init(&adam, SIZE_MAX / 2, &err), SPIRA_ENOMEMORY);
    cr_assert_null(adam.first);
}
