#include <cblas.h>
#include <criterion/criterion.h>

#include "adapters/openblas/matrix_openblas.h"

Test(matrix_openblas, one_thread_a_call_whatever_openblas_was_told_before)
{
    openblas_set_num_threads(2);
    cr_assert_eq(openblas_get_num_threads(), 2);
    (void)spira_matrix_openblas();
    cr_assert_eq(openblas_get_num_threads(), 1);
}
