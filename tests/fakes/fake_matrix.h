/* The matrix port in its plainest form, for unit tests of core/. */
#ifndef SPIRA_TESTS_FAKES_FAKE_MATRIX_H
#define SPIRA_TESTS_FAKES_FAKE_MATRIX_H

#include "core/ports/matrix.h"

static void fake_gemm(void *self, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                      const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                      size_t ldc)
{
    (void)self;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = beta == 0 ? 0 : (double)beta * (double)c[i * ldc + j];
            for (size_t l = 0; l < k; l++)
                sum += (double)(transpose_a ? a[l * lda + i] : a[i * lda + l]) *
                       (double)(transpose_b ? b[j * ldb + l] : b[l * ldb + j]);
            c[i * ldc + j] = (float)sum;
        }
}

static inline struct spira_matrix fake_matrix(void)
{
    static const struct spira_matrix_ops ops = {.gemm = fake_gemm};
    return (struct spira_matrix){.ops = &ops};
}

#endif
