#include "adapters/openblas/matrix_openblas.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <pthread.h>

static void set_one_thread(void)
{
    openblas_set_num_threads(1);
}

/* A size as OpenBLAS takes it. */
static blasint size_of(size_t size)
{
    assert(size <= INT_MAX);
    return (blasint)size;
}

/* OpenBLAS refuses a leading dimension of 0, which rows of no elements may have. */
static blasint leading(size_t dimension)
{
    return size_of(dimension > 0 ? dimension : 1);
}

static void gemm(void *self, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                 size_t ldc)
{
    (void)self;
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, size_of(m), size_of(n), size_of(k), 1, a,
                leading(lda), b, leading(ldb), beta, c, leading(ldc));
}

struct spira_matrix spira_matrix_openblas(void)
{
    static const struct spira_matrix_ops ops = {.gemm = gemm};
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_one_thread);
    return (struct spira_matrix){.ops = &ops};
}
