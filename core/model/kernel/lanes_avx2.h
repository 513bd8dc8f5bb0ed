/* lanes.h for AVX2 with FMA and BMI2: two registers. */
#ifndef SPIRA_CORE_MODEL_KERNEL_LANES_AVX2_H
#define SPIRA_CORE_MODEL_KERNEL_LANES_AVX2_H

#include <immintrin.h>

typedef struct {
    __m256 low, high;
} lanes;
typedef struct {
    __m256i low, high;
} lane_ints;

INLINE lanes lanes_load(const float *from)
{
    return (lanes){_mm256_loadu_ps(from), _mm256_loadu_ps(from + HALF)};
}

INLINE void lanes_store(float *to, lanes x)
{
    _mm256_storeu_ps(to, x.low);
    _mm256_storeu_ps(to + HALF, x.high);
}

/* All ones in the first count places. */
INLINE __m256i first_places(int count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE lanes lanes_load_part(const float *from, size_t count)
{
    return (lanes){_mm256_maskload_ps(from, first_places((int)count)),
                   _mm256_maskload_ps(from + HALF, first_places((int)count - HALF))};
}

INLINE void lanes_store_part(float *to, lanes x, size_t count)
{
    _mm256_maskstore_ps(to, first_places((int)count), x.low);
    _mm256_maskstore_ps(to + HALF, first_places((int)count - HALF), x.high);
}

INLINE lanes lanes_all(float value)
{
    __m256 both = _mm256_set1_ps(value);
    return (lanes){both, both};
}

INLINE lanes lanes_add(lanes a, lanes b)
{
    return (lanes){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}

INLINE lanes lanes_sub(lanes a, lanes b)
{
    return (lanes){_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}

INLINE lanes lanes_mul(lanes a, lanes b)
{
    return (lanes){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}

INLINE lanes lanes_div(lanes a, lanes b)
{
    return (lanes){_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}

INLINE lanes lanes_sqrt(lanes a)
{
    return (lanes){_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)};
}

INLINE lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return (lanes){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}

INLINE lanes lanes_min(lanes a, lanes b)
{
    return (lanes){_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}

INLINE lanes lanes_max(lanes a, lanes b)
{
    return (lanes){_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}

INLINE __m256 round_half(__m256 a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE lanes lanes_round(lanes a)
{
    return (lanes){round_half(a.low), round_half(a.high)};
}

INLINE __m256 scale_half(__m256 x, __m256 n)
{
    __m256i shifted = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), shifted));
}

INLINE lanes lanes_scale(lanes x, lanes n)
{
    return (lanes){scale_half(x.low, n.low), scale_half(x.high, n.high)};
}

INLINE lane_bits bits_of(__m256 low, __m256 high)
{
    return (lane_bits)_mm256_movemask_ps(low) | (lane_bits)_mm256_movemask_ps(high) << HALF;
}

INLINE lane_bits lanes_greater(lanes a, lanes b)
{
    return bits_of(_mm256_cmp_ps(a.low, b.low, _CMP_GT_OQ),
                   _mm256_cmp_ps(a.high, b.high, _CMP_GT_OQ));
}

/* All ones where the bit of its place, of the lowest 8, is set. */
INLINE __m256 half_mask(lane_bits bits)
{
    const __m256i places = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i own = _mm256_and_si256(_mm256_set1_epi32((int)bits), places);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(own, places));
}

INLINE lanes lanes_choose(lane_bits bits, lanes yes, lanes no)
{
    return (lanes){_mm256_blendv_ps(no.low, yes.low, half_mask(bits)),
                   _mm256_blendv_ps(no.high, yes.high, half_mask(bits >> HALF))};
}

INLINE lanes lanes_keep(lane_bits bits, lanes x)
{
    return (lanes){_mm256_and_ps(x.low, half_mask(bits)),
                   _mm256_and_ps(x.high, half_mask(bits >> HALF))};
}

/* The places of the lowest 8 bits that are set, side by side, a byte each. */
INLINE uint64_t picked_bytes(lane_bits bits)
{
    return _pdep_u64(bits & 0xFF, 0x0101010101010101u) * 0xFF;
}

#define BYTE_NUMBERS 0x0706050403020100u

INLINE __m256i spread(uint64_t bytes)
{
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)bytes));
}

INLINE void lanes_store_picked(float *to, lane_bits bits, lanes x)
{
    __m256i low = spread(_pext_u64(BYTE_NUMBERS, picked_bytes(bits)));
    __m256i high = spread(_pext_u64(BYTE_NUMBERS, picked_bytes(bits >> HALF)));
    _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(x.low, low));
    _mm256_storeu_ps(to + __builtin_popcount(bits & 0xFF), _mm256_permutevar8x32_ps(x.high, high));
}

INLINE __m256 load_picked_half(const float *from, lane_bits bits)
{
    uint64_t bytes = picked_bytes(bits);
    __m256i places = spread(_pdep_u64(BYTE_NUMBERS, bytes));
    return _mm256_and_ps(_mm256_permutevar8x32_ps(_mm256_loadu_ps(from), places), half_mask(bits));
}

INLINE lanes lanes_load_picked(const float *from, lane_bits bits)
{
    return (lanes){load_picked_half(from, bits),
                   load_picked_half(from + __builtin_popcount(bits & 0xFF), bits >> HALF)};
}

/* The lowest bits in turn, each to the next place that is set; 0 elsewhere. */
INLINE lane_bits bits_placed(uint32_t bits, lane_bits places)
{
    return _pdep_u32(bits, places);
}

INLINE half lanes_folded(lanes x)
{
    return (half)_mm256_add_ps(x.low, x.high);
}

INLINE lane_ints ints_load(const uint32_t *from)
{
    return (lane_ints){_mm256_loadu_si256((const __m256i *)from),
                       _mm256_loadu_si256((const __m256i *)(from + HALF))};
}

INLINE lane_ints ints_all(uint32_t value)
{
    __m256i both = _mm256_set1_epi32((int)value);
    return (lane_ints){both, both};
}

INLINE lane_ints ints_add(lane_ints a, lane_ints b)
{
    return (lane_ints){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

INLINE lane_ints ints_mul(lane_ints a, lane_ints b)
{
    return (lane_ints){_mm256_mullo_epi32(a.low, b.low), _mm256_mullo_epi32(a.high, b.high)};
}

INLINE lane_ints ints_xor(lane_ints a, lane_ints b)
{
    return (lane_ints){_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
}

#define ints_shift_right(a, count)                                                                 \
    ((lane_ints){_mm256_srli_epi32((a).low, count), _mm256_srli_epi32((a).high, count)})

INLINE lane_bits ints_at_least(lane_ints a, lane_ints b)
{
    return 0xFFFF & ~bits_of(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.low, a.low)),
                             _mm256_castsi256_ps(_mm256_cmpgt_epi32(b.high, a.high)));
}

INLINE half half_fma(half a, half b, half c)
{
    return (half)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

#endif
