#include "core/features/frame_kernel.h"

/* frame_kernel.c, once for each level. */
extern const struct spira_frame_kernel spira_frame_kernel_scalar;
#ifdef __x86_64__
extern const struct spira_frame_kernel spira_frame_kernel_avx2, spira_frame_kernel_avx512;
#endif

const struct spira_frame_kernel *spira_frame_kernel_at(enum spira_dispatch level)
{
    static const struct spira_frame_kernel *const kernels[SPIRA_DISPATCH_COUNT] = {
        [SPIRA_DISPATCH_SCALAR] = &spira_frame_kernel_scalar,
#ifdef __x86_64__
        [SPIRA_DISPATCH_AVX2] = &spira_frame_kernel_avx2,
        [SPIRA_DISPATCH_AVX512] = &spira_frame_kernel_avx512,
#endif
    };
    return kernels[level];
}

enum spira_code spira_frame_kernel_choose(const struct spira_frame_kernel **ret_kernel,
                                          struct spira_error *err)
{
    enum spira_dispatch level;
    enum spira_code code = spira_dispatch_level(&level, err);
    if (code == SPIRA_OK)
        *ret_kernel = spira_frame_kernel_at(level);
    return code;
}
