/* Port: matrix products. Adapters: adapters/openblas, adapters/plain. */
#ifndef SPIRA_CORE_PORTS_MATRIX_H
#define SPIRA_CORE_PORTS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

struct spira_matrix_ops {
    /* C (m,n) = op(A) (m,k) * op(B) (k,n) + beta * C, row-major with leading dimensions lda, ldb,
     * ldc (elements of the stored rows); op transposes when told. beta 0 overwrites C whatever it
     * held. One thread per call; any number of threads may call. The same operands give the same
     * bits on one machine. */
    void (*gemm)(void *self, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                 size_t ldc);
};

struct spira_matrix {
    const struct spira_matrix_ops *ops;
    void *self;
};

static inline void spira_matrix_gemm(struct spira_matrix matrix, bool transpose_a, bool transpose_b,
                                     size_t m, size_t n, size_t k, const float *a, size_t lda,
                                     const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    matrix.ops->gemm(matrix.self, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

#endif
