#include "core/model/dense.h"

#include "core/base/parallel.h"

/* Products are cut into blocks of these, whatever the number of threads: part of the result's
 * identity, as a library may sum a block of another size in another order. */
enum { OUTPUTS_AT_ONCE = 25, INPUTS_AT_ONCE = 1720 };

void spira_dense_done(struct spira_dense *dense)
{
    free(dense->x);
    free(dense->dx);
    free(dense->z);
    free(dense->h);
    free(dense->dz);
    free(dense->mask);
    free(dense->logit);
    dense->x = dense->dx = dense->z = dense->h = dense->dz = dense->mask = NULL;
    dense->logit = NULL;
    dense->capacity = 0;
}

enum spira_code spira_dense_reserve(struct spira_dense *dense, size_t rows, struct spira_error *err)
{
    dense->rows = rows;
    if (rows <= dense->capacity)
        return SPIRA_OK;
    spira_dense_done(dense);
    const struct {
        float **place;
        size_t width;
    } arrays[] = {{&dense->x, dense->inputs},  {&dense->dx, dense->inputs},
                  {&dense->z, dense->hidden},  {&dense->h, dense->hidden},
                  {&dense->dz, dense->hidden}, {&dense->mask, dense->hidden}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        enum spira_code code =
            spira_big_alloc(arrays[i].place, rows, arrays[i].width * sizeof(float),
                            "the rows of the linear layers", err);
        if (code != SPIRA_OK)
            return code;
    }
    dense->logit = spira_alloc(rows, sizeof *dense->logit);
    dense->capacity = rows;
    return SPIRA_OK;
}

void spira_dense_mask(struct spira_dense *dense, const struct spira_mask *mask, size_t first,
                      size_t count)
{
    float *row = dense->mask + first * dense->hidden;
    for (size_t i = 0; i < count * dense->hidden; i++)
        row[i] = spira_mask_factor(mask, (uint32_t)i);
}

/* Length of a block of at most `at_once`. */
static size_t block_length(size_t index, size_t at_once, size_t total)
{
    size_t left = total - index * at_once;
    return left < at_once ? left : at_once;
}

static size_t blocks(size_t total, size_t at_once)
{
    return (total + at_once - 1) / at_once;
}

/* Some outputs of fc1, for all rows. */
static void forward_outputs(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct spira_dense *dense = context;
    const struct spira_parameters *parameters = dense->parameters;
    size_t first = index * OUTPUTS_AT_ONCE;
    size_t count = block_length(index, OUTPUTS_AT_ONCE, dense->hidden);
    for (size_t row = 0; row < dense->rows; row++)
        memcpy(dense->z + row * dense->hidden + first, parameters->fc1_bias.value + first,
               count * sizeof(float));
    spira_matrix_gemm(dense->matrix, false, true, dense->rows, count, dense->inputs, dense->x,
                      dense->inputs, parameters->fc1_weight.value + first * dense->inputs,
                      dense->inputs, 1, dense->z + first, dense->hidden);
}

void spira_dense_forward(struct spira_dense *dense)
{
    spira_parallel(blocks(dense->hidden, OUTPUTS_AT_ONCE), dense->threads, forward_outputs, dense);
    const float *weight = dense->parameters->fc2_weight.value;
    dense->kernel->mish(dense->z, dense->mask, dense->rows * dense->hidden, dense->h);
    for (size_t row = 0; row < dense->rows; row++) {
        double logit = (double)dense->parameters->fc2_bias.value[0];
        for (size_t i = row * dense->hidden, j = 0; j < dense->hidden; i++, j++)
            logit += (double)weight[j] * (double)dense->h[i];
        dense->logit[row] = logit;
    }
}

/* dW1 += dz^T x for some outputs. */
static void backward_outputs(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct spira_dense *dense = context;
    size_t first = index * OUTPUTS_AT_ONCE;
    size_t count = block_length(index, OUTPUTS_AT_ONCE, dense->hidden);
    spira_matrix_gemm(dense->matrix, true, false, count, dense->inputs, dense->rows,
                      dense->dz + first, dense->hidden, dense->x, dense->inputs, 1,
                      dense->parameters->fc1_weight.gradient + first * dense->inputs,
                      dense->inputs);
}

/* dx = dz W1 for some inputs. */
static void backward_inputs(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct spira_dense *dense = context;
    size_t first = index * INPUTS_AT_ONCE;
    size_t count = block_length(index, INPUTS_AT_ONCE, dense->inputs);
    spira_matrix_gemm(dense->matrix, false, false, dense->rows, count, dense->hidden, dense->dz,
                      dense->hidden, dense->parameters->fc1_weight.value + first, dense->inputs, 0,
                      dense->dx + first, dense->inputs);
}

void spira_dense_backward(struct spira_dense *dense, const double *d_logit)
{
    const struct spira_parameters *parameters = dense->parameters;
    const float *weight = parameters->fc2_weight.value;
    for (size_t row = 0; row < dense->rows; row++) {
        float d = (float)d_logit[row];
        parameters->fc2_bias.gradient[0] += d;
        for (size_t i = row * dense->hidden, j = 0; j < dense->hidden; i++, j++) {
            parameters->fc2_weight.gradient[j] += d * dense->h[i];
            dense->dz[i] = d * weight[j];
        }
    }
    dense->kernel->mish_backward(dense->z, dense->mask, dense->dz, dense->rows * dense->hidden,
                                 dense->dz);
    for (size_t row = 0; row < dense->rows; row++)
        for (size_t j = 0; j < dense->hidden; j++)
            parameters->fc1_bias.gradient[j] += dense->dz[row * dense->hidden + j];
    spira_parallel(blocks(dense->hidden, OUTPUTS_AT_ONCE), dense->threads, backward_outputs, dense);
    spira_parallel(blocks(dense->inputs, INPUTS_AT_ONCE), dense->threads, backward_inputs, dense);
}
