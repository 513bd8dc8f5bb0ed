/* Which vector instructions the lane kernels use. AVX2 and AVX-512 compute the same bits; features
 * are the same at every level. */
#ifndef SPIRA_CORE_BASE_DISPATCH_H
#define SPIRA_CORE_BASE_DISPATCH_H

#include "core/base/error.h"

/* In ascending order; a machine that has one has all below it. */
enum spira_dispatch {
    SPIRA_DISPATCH_SCALAR, /* what every machine of the architecture has */
    SPIRA_DISPATCH_AVX2,   /* with FMA and BMI2: x86-64-v3 */
    SPIRA_DISPATCH_AVX512, /* x86-64-v4 */
    SPIRA_DISPATCH_COUNT
};

/* "scalar", "avx2", "avx512". */
const char *spira_dispatch_name(enum spira_dispatch level);

/* The highest level of this machine. */
enum spira_dispatch spira_dispatch_best(void);

/* Gives ret_level: the one that the environment's SPIRA_DISPATCH names, else the highest.
 * SPIRA_EINVALID: no level has that name, or this machine has not that level. */
SPIRA_MUST_USE enum spira_code spira_dispatch_level(enum spira_dispatch *ret_level,
                                                    struct spira_error *err);

#endif
