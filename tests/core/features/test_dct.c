#include <criterion/criterion.h>

#include "core/features/dct.h"

enum { M = 20 };

Test(dct, the_whole_matrix_is_orthonormal)
{
    float matrix[M * M];
    spira_dct_matrix(matrix, M, M);
    for (size_t a = 0; a < M; a++)
        for (size_t b = 0; b < M; b++) {
            double product = 0;
            for (size_t m = 0; m < M; m++)
                product += (double)matrix[m * M + a] * (double)matrix[m * M + b];
            cr_assert_float_eq(product, a == b ? 1 : 0, 1e-6);
        }
}

Test(dct, a_constant_has_only_its_first_coefficient)
{
    enum { K = 3 };
    float matrix[M * K], x[2 * M], y[2 * K];
    spira_dct_matrix(matrix, M, K);
    for (size_t i = 0; i < M; i++) {
        x[i] = 1;
        x[M + i] = -2;
    }
    spira_dct_apply(y, x, matrix, 2, M, K);
    cr_assert_float_eq(y[0], 4.4721360f, 1e-5f); /* sqrt(20) */
    cr_assert_float_eq(y[K], -8.9442719f, 1e-5f);
    for (size_t k = 1; k < K; k++) {
        cr_assert_float_eq(y[k], 0, 1e-5f);
        cr_assert_float_eq(y[K + k], 0, 1e-5f);
    }
}
