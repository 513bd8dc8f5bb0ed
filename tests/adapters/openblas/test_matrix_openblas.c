#include <cblas.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/resource.h>

#include "adapters/openblas/matrix_openblas.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

Test(matrix_openblas, one_thread_a_call_whatever_openblas_was_told_before)
{
    openblas_set_num_threads(2);
    cr_assert_eq(openblas_get_num_threads(), 2);
    (void)spira_matrix_openblas();
    cr_assert_eq(openblas_get_num_threads(), 1);
}

/* OpenBLAS itself would never return. Sanitizers cannot live within such a limit. */
Test(matrix_openblas, without_memory_for_a_buffer_the_process_ends, .signal = SIGABRT,
     .timeout = 20, .disabled = SANITIZED)
{
    struct spira_matrix matrix = spira_matrix_openblas();
    const struct rlimit limit = {64 << 20, 64 << 20};
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    static float a[64 * 64], b[64 * 64], c[64 * 64];
    spira_matrix_gemm(matrix, false, false, 64, 64, 64, a, 64, b, 64, 0, c, 64);
}
