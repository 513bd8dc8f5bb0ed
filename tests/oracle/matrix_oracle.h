/* The naive twin of the matrix port: one element from its definition, in double. */
#ifndef SPIRA_TESTS_ORACLE_MATRIX_ORACLE_H
#define SPIRA_TESTS_ORACLE_MATRIX_ORACLE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* Sum over p < k of op(A)(i,p) op(B)(p,j). *ret_size: the same sum of absolute values, which bounds
 * what rounding may do. */
static inline double oracle_product(bool transpose_a, bool transpose_b, size_t k, const float *a,
                                    size_t lda, const float *b, size_t ldb, size_t i, size_t j,
                                    double *ret_size)
{
    double sum = 0;
    *ret_size = 0;
    for (size_t p = 0; p < k; p++) {
        double left = (double)(transpose_a ? a[p * lda + i] : a[i * lda + p]);
        double right = (double)(transpose_b ? b[j * ldb + p] : b[p * ldb + j]);
        sum += left * right;
        *ret_size += fabs(left * right);
    }
    return sum;
}

#endif
