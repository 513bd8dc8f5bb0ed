#include "core/training/adam.h"

#include <math.h>

#include "core/base/parallel.h"

enum { PIECE = 1 << 14 }; /* parameters */

/* The shares of the new are written out: in float, 1 - 0.999f is 5e-5 off 0.001f. */
static const float first_decay = 0.9f, first_share = 0.1f;
static const float second_decay = 0.999f, second_share = 0.001f;
static const float epsilon = 1e-8f;

enum spira_code spira_adam_init(struct spira_adam *adam, size_t count, struct spira_error *err)
{
    float *first = NULL, *second = NULL;
    enum spira_code code = spira_big_alloc(&first, count, sizeof *first, "Adam's moments", err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&second, count, sizeof *second, "Adam's moments", err);
    if (code != SPIRA_OK) {
        free(first);
        return code;
    }
    *adam = (struct spira_adam){.first = first, .second = second, .count = count};
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
    /* learning_rate / (1 - 0.9^t), 1 / sqrt(1 - 0.999^t) and the weight decay. */
    float rate, second_scale, weight_decay;
};

static void update(float *restrict values, const float *restrict gradients, float *restrict first,
                   float *restrict second, const struct step *step, size_t count)
{
    const float rate = step->rate, scale = step->second_scale, decay = step->weight_decay;
    for (size_t i = 0; i < count; i++) {
        float gradient = gradients[i] + decay * values[i];
        first[i] = first_decay * first[i] + first_share * gradient;
        second[i] = second_decay * second[i] + second_share * gradient * gradient;
        values[i] -= rate * first[i] / (sqrtf(second[i]) * scale + epsilon);
    }
}

static void update_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    const struct step *step = context;
    const struct spira_adam *adam = step->adam;
    size_t begin = index * PIECE;
    size_t count = adam->count - begin < PIECE ? adam->count - begin : PIECE;
    update(step->values + begin, step->gradients + begin, adam->first + begin, adam->second + begin,
           step, count);
}

void spira_adam_step(struct spira_adam *adam, float *values, const float *gradients,
                     double learning_rate, double weight_decay, size_t threads)
{
    double t = (double)++adam->steps;
    struct step step = {
        .adam = adam,
        .values = values,
        .gradients = gradients,
        .rate = (float)(learning_rate / (1 - pow(0.9, t))),
        .second_scale = (float)(1 / sqrt(1 - pow(0.999, t))),
        .weight_decay = (float)weight_decay,
    };
    spira_parallel((adam->count + PIECE - 1) / PIECE, threads, update_piece, &step);
}
