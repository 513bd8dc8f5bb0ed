/* Sixteen floats at a time, the same at every level of core/base/dispatch.h: one register of
 * AVX-512, two of AVX2, plain C. Each lane is computed by itself, and what is summed over lanes is
 * summed in one order, so AVX2 and AVX-512 give the same bits. The scalar level has no fused
 * multiply-add and rounds twice where they round once: its bits are its own.
 *
 * For the files of core/model/kernel/, which are built once for each level; SPIRA_LEVEL is its
 * name, SPIRA_LEVEL_AVX2 or SPIRA_LEVEL_AVX512 is defined where it applies. */
#ifndef SPIRA_CORE_MODEL_KERNEL_LANES_H
#define SPIRA_CORE_MODEL_KERNEL_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16, HALF = 8 };

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#define SPIRA_PASTE(a, b) a##b
#define SPIRA_PASTED(a, b) SPIRA_PASTE(a, b)
/* name_avx2 and so on: what one file of a level takes from another. */
#define AT_LEVEL(name) SPIRA_PASTED(name, SPIRA_PASTED(_, SPIRA_LEVEL))

/* Eight floats. */
typedef float half __attribute__((vector_size(32), may_alias));

/* Of each lane one bit, lane 0 the lowest. */
typedef uint32_t lane_bits;

#if defined SPIRA_LEVEL_AVX512
#include "core/model/kernel/lanes_avx512.h"
#elif defined SPIRA_LEVEL_AVX2
#include "core/model/kernel/lanes_avx2.h"
#else
#include "core/model/kernel/lanes_scalar.h"
#endif

INLINE half half_load(const float *from)
{
    half x;
    memcpy(&x, from, sizeof x);
    return x;
}

INLINE void half_store(float *to, half x)
{
    memcpy(to, &x, sizeof x);
}

/* Over all lanes: 8 with 8, 4 with 4, 2 with 2, 1 with 1. */
INLINE float lanes_sum(lanes x)
{
    half h = lanes_folded(x);
    float a = h[0] + h[4], b = h[1] + h[5], c = h[2] + h[6], d = h[3] + h[7];
    return (a + c) + (b + d);
}

#endif
