#include "core/model/kernel/kernel.h"

/* table.c, once for each level. */
extern const struct spira_model_kernel spira_model_kernel_scalar;
#ifdef __x86_64__
extern const struct spira_model_kernel spira_model_kernel_avx2, spira_model_kernel_avx512;
#endif

const struct spira_model_kernel *spira_model_kernel_at(enum spira_dispatch level)
{
    static const struct spira_model_kernel *const kernels[SPIRA_DISPATCH_COUNT] = {
        [SPIRA_DISPATCH_SCALAR] = &spira_model_kernel_scalar,
#ifdef __x86_64__
        [SPIRA_DISPATCH_AVX2] = &spira_model_kernel_avx2,
        [SPIRA_DISPATCH_AVX512] = &spira_model_kernel_avx512,
#endif
    };
    return kernels[level];
}

enum spira_code spira_model_kernel_choose(const struct spira_model_kernel **ret_kernel,
                                          struct spira_error *err)
{
    enum spira_dispatch level;
    enum spira_code code = spira_dispatch_level(&level, err);
    if (code == SPIRA_OK)
        *ret_kernel = spira_model_kernel_at(level);
    return code;
}

const char *spira_model_arithmetic(void)
{
    struct spira_error unknown; /* of a level that is none: whoever makes a network says so */
    enum spira_dispatch level;
    bool scalar =
        spira_dispatch_level(&level, &unknown) == SPIRA_OK && level == SPIRA_DISPATCH_SCALAR;
    return scalar ? "scalar" : "lanes";
}

static void gemm(void *self, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                 size_t ldc)
{
    const struct spira_model_kernel *kernel = self;
    kernel->gemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

struct spira_matrix spira_model_kernel_matrix(const struct spira_model_kernel *kernel)
{
    static const struct spira_matrix_ops ops = {.gemm = gemm};
    return (struct spira_matrix){&ops, (void *)kernel};
}
