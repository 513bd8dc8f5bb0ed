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
