/* lanes.h for AVX-512: a register. */
#ifndef SPIRA_CORE_MODEL_KERNEL_LANES_AVX512_H
#define SPIRA_CORE_MODEL_KERNEL_LANES_AVX512_H

#include <immintrin.h>

typedef __m512 lanes;
typedef __m512i lane_ints;

INLINE lanes lanes_load(const float *from)
{
    return _mm512_loadu_ps(from);
}

INLINE void lanes_store(float *to, lanes x)
{
    _mm512_storeu_ps(to, x);
}

/* The first count (at most LANES) values, 0 in the other lanes. */
INLINE lanes lanes_load_part(const float *from, size_t count)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
}

INLINE void lanes_store_part(float *to, lanes x, size_t count)
{
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), x);
}

INLINE lanes lanes_all(float value)
{
    return _mm512_set1_ps(value);
}

INLINE lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}

INLINE lanes lanes_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}

INLINE lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}

INLINE lanes lanes_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}

INLINE lanes lanes_sqrt(lanes a)
{
    return _mm512_sqrt_ps(a);
}

/* a b + c, rounded once. */
INLINE lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE lanes lanes_min(lanes a, lanes b)
{
    return _mm512_min_ps(a, b);
}

INLINE lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}

/* To the nearest whole number, ties to even. */
INLINE lanes lanes_round(lanes a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x 2^n for whole n; x and the result are normal numbers. */
INLINE lanes lanes_scale(lanes x, lanes n)
{
    __m512i shifted = _mm512_slli_epi32(_mm512_cvtps_epi32(n), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), shifted));
}

/* The lanes where a > b. */
INLINE lane_bits lanes_greater(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

/* Where the bit is set yes, else no. */
INLINE lanes lanes_choose(lane_bits bits, lanes yes, lanes no)
{
    return _mm512_mask_blend_ps((__mmask16)bits, no, yes);
}

/* Where the bit is set x, else 0. */
INLINE lanes lanes_keep(lane_bits bits, lanes x)
{
    return _mm512_maskz_mov_ps((__mmask16)bits, x);
}

/* Stores the picked lanes side by side; writes LANES floats whatever their number. */
INLINE void lanes_store_picked(float *to, lane_bits bits, lanes x)
{
    _mm512_storeu_ps(to, _mm512_maskz_compress_ps((__mmask16)bits, x));
}

/* The reverse: the picked lanes from values side by side, 0 in the others. Reads LANES floats. */
INLINE lanes lanes_load_picked(const float *from, lane_bits bits)
{
    return _mm512_maskz_expand_ps((__mmask16)bits, _mm512_loadu_ps(from));
}

/* The lowest bits in turn, each to the next place that is set; 0 elsewhere. */
INLINE lane_bits bits_placed(uint32_t bits, lane_bits places)
{
    return _pdep_u32(bits, places);
}

/* Lanes 0 to 7 plus lanes 8 to 15. */
INLINE half lanes_folded(lanes x)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
    return (half)_mm256_add_ps(_mm512_castps512_ps256(x), high);
}

INLINE lane_ints ints_load(const uint32_t *from)
{
    return _mm512_loadu_si512(from);
}

INLINE lane_ints ints_all(uint32_t value)
{
    return _mm512_set1_epi32((int)value);
}

INLINE lane_ints ints_add(lane_ints a, lane_ints b)
{
    return _mm512_add_epi32(a, b);
}

INLINE lane_ints ints_mul(lane_ints a, lane_ints b)
{
    return _mm512_mullo_epi32(a, b);
}

INLINE lane_ints ints_xor(lane_ints a, lane_ints b)
{
    return _mm512_xor_si512(a, b);
}

#define ints_shift_right(a, count) _mm512_srli_epi32(a, count)

/* The lanes where a >= b, as signed numbers. */
INLINE lane_bits ints_at_least(lane_ints a, lane_ints b)
{
    return _mm512_cmpge_epi32_mask(a, b);
}

INLINE half half_fma(half a, half b, half c)
{
    return (half)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

#endif
