/* The two linear layers: fc1, Mish, dropout, fc2. Rows are windows, or the outputs of windows when
 * the network works per frame. Inside of core/model/.
 *
 *   h = mask mish(fc1 x + b1), logit = fc2 h + b2 */
#ifndef SPIRA_CORE_MODEL_DENSE_H
#define SPIRA_CORE_MODEL_DENSE_H

#include "core/model/kernel/kernel.h"

/* Both layers, and the rows in hand. */
struct spira_dense {
    const struct spira_model_kernel *kernel;
    struct spira_matrix matrix;
    const struct spira_parameters *parameters;
    size_t inputs, hidden, threads;
    size_t rows, capacity;
    float *x, *dx;     /* (rows, inputs) and its gradient */
    float *z, *h, *dz; /* (rows, hidden): fc1's output, what fc2 sees, the gradient of z */
    float *mask;       /* (rows, hidden) factors */
    double *logit;     /* (rows) */
};

/* Makes room for that many rows. SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_dense_reserve(struct spira_dense *dense, size_t rows,
                                                   struct spira_error *err);
void spira_dense_done(struct spira_dense *dense); /* a zeroed one is fine */

/* The mask of a window whose rows are [first, first + count). */
void spira_dense_mask(struct spira_dense *dense, const struct spira_mask *mask, size_t first,
                      size_t count);

/* Fills logit from x; and from d_logit (rows) fills dx and adds to the gradients. */
void spira_dense_forward(struct spira_dense *dense);
void spira_dense_backward(struct spira_dense *dense, const double *d_logit);

#endif
