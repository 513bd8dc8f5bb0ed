#include "core/training/adam.h"

#include <math.h>

#include "core/base/parallel.h"

enum { PIECE = 1 << 14 }; /* parameters */

enum spira_code spira_adam_init(struct spira_adam *adam, size_t count, struct spira_error *err)
{
    float *first = NULL, *second = NULL;
    const struct spira_model_kernel *kernel;
    enum spira_code code = spira_model_kernel_choose(&kernel, err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&first, count, sizeof *first, "Adam's moments", err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&second, count, sizeof *second, "Adam's moments", err);
    if (code != SPIRA_OK) {
        free(first);
        return code;
    }
    *adam = (struct spira_adam){.kernel = kernel, .first = first, .second = second, .count = count};
    return SPIRA_OK;
}

void spira_adam_done(struct spira_adam *adam)
{
    free(adam->first);
    free(adam->second);
    *adam = (struct spira_adam){0};
}

struct step {
    struct spira_adam *adam;
    float *values;
    const float *gradients;
    struct spira_adam_factors factors;
};

static void update_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    const struct step *step = context;
    const struct spira_adam *adam = step->adam;
    size_t begin = index * PIECE;
    size_t count = adam->count - begin < PIECE ? adam->count - begin : PIECE;
    adam->kernel->adam(step->values + begin, step->gradients + begin, adam->first + begin,
                       adam->second + begin, count, &step->factors);
}

void spira_adam_step(struct spira_adam *adam, float *values, const float *gradients,
                     double learning_rate, double weight_decay, size_t threads)
{
    double t = (double)++adam->steps;
    struct step step = {
        .adam = adam,
        .values = values,
        .gradients = gradients,
        .factors = {.rate = (float)(learning_rate / (1 - pow(0.9, t))),
                    .second_scale = (float)(1 / sqrt(1 - pow(0.999, t))),
                    .weight_decay = (float)weight_decay},
    };
    spira_parallel((adam->count + PIECE - 1) / PIECE, threads, update_piece, &step);
}
