/* lanes.h in plain C: what the compiler makes of sixteen floats. */
#ifndef SPIRA_CORE_MODEL_KERNEL_LANES_SCALAR_H
#define SPIRA_CORE_MODEL_KERNEL_LANES_SCALAR_H

#include <math.h>

typedef struct {
    float at[LANES];
} lanes;
typedef struct {
    uint32_t at[LANES];
} lane_ints;

/* A function of each lane by itself. */
#define EACH(type, expression)                                                                     \
    type result;                                                                                   \
    for (size_t i = 0; i < LANES; i++)                                                             \
        result.at[i] = (expression);                                                               \
    return result

INLINE lanes lanes_load(const float *from)
{
    lanes x;
    memcpy(&x, from, sizeof x);
    return x;
}

INLINE void lanes_store(float *to, lanes x)
{
    memcpy(to, &x, sizeof x);
}

INLINE lanes lanes_load_part(const float *from, size_t count)
{
    lanes x = {{0}};
    memcpy(&x, from, count * sizeof *from);
    return x;
}

INLINE void lanes_store_part(float *to, lanes x, size_t count)
{
    memcpy(to, &x, count * sizeof *to);
}

INLINE lanes lanes_all(float value)
{
    EACH(lanes, value);
}

INLINE lanes lanes_add(lanes a, lanes b)
{
    EACH(lanes, a.at[i] + b.at[i]);
}

INLINE lanes lanes_sub(lanes a, lanes b)
{
    EACH(lanes, a.at[i] - b.at[i]);
}

INLINE lanes lanes_mul(lanes a, lanes b)
{
    EACH(lanes, a.at[i] * b.at[i]);
}

INLINE lanes lanes_div(lanes a, lanes b)
{
    EACH(lanes, a.at[i] / b.at[i]);
}

INLINE lanes lanes_sqrt(lanes a)
{
    EACH(lanes, sqrtf(a.at[i]));
}

INLINE lanes lanes_fma(lanes a, lanes b, lanes c)
{
    EACH(lanes, a.at[i] * b.at[i] + c.at[i]);
}

INLINE lanes lanes_min(lanes a, lanes b)
{
    EACH(lanes, a.at[i] < b.at[i] ? a.at[i] : b.at[i]);
}

INLINE lanes lanes_max(lanes a, lanes b)
{
    EACH(lanes, a.at[i] > b.at[i] ? a.at[i] : b.at[i]);
}

/* Adding 1.5 * 2^23 rounds to a whole number. */
INLINE lanes lanes_round(lanes a)
{
    EACH(lanes, (a.at[i] + 12582912.0f) - 12582912.0f);
}

INLINE lanes lanes_scale(lanes x, lanes n)
{
    for (size_t i = 0; i < LANES; i++) {
        uint32_t bits;
        memcpy(&bits, &x.at[i], sizeof bits);
        bits += (uint32_t)(int32_t)n.at[i] << 23;
        memcpy(&x.at[i], &bits, sizeof bits);
    }
    return x;
}

INLINE lane_bits lanes_greater(lanes a, lanes b)
{
    lane_bits bits = 0;
    for (size_t i = 0; i < LANES; i++)
        bits |= (lane_bits)(a.at[i] > b.at[i]) << i;
    return bits;
}

INLINE lanes lanes_choose(lane_bits bits, lanes yes, lanes no)
{
    EACH(lanes, bits >> i & 1 ? yes.at[i] : no.at[i]);
}

INLINE lanes lanes_keep(lane_bits bits, lanes x)
{
    EACH(lanes, bits >> i & 1 ? x.at[i] : 0);
}

INLINE void lanes_store_picked(float *to, lane_bits bits, lanes x)
{
    for (; bits; bits &= bits - 1)
        *to++ = x.at[__builtin_ctz(bits)];
}

INLINE lanes lanes_load_picked(const float *from, lane_bits bits)
{
    lanes x = {{0}};
    for (; bits; bits &= bits - 1)
        x.at[__builtin_ctz(bits)] = *from++;
    return x;
}

INLINE lane_bits bits_placed(uint32_t bits, lane_bits places)
{
    lane_bits placed = 0;
    for (; places; places &= places - 1, bits >>= 1)
        placed |= bits & 1 ? places & -places : 0;
    return placed;
}

INLINE half lanes_folded(lanes x)
{
    half low, high;
    memcpy(&low, x.at, sizeof low);
    memcpy(&high, x.at + HALF, sizeof high);
    return low + high;
}

INLINE lane_ints ints_load(const uint32_t *from)
{
    lane_ints x;
    memcpy(&x, from, sizeof x);
    return x;
}

INLINE lane_ints ints_all(uint32_t value)
{
    EACH(lane_ints, value);
}

INLINE lane_ints ints_add(lane_ints a, lane_ints b)
{
    EACH(lane_ints, a.at[i] + b.at[i]);
}

INLINE lane_ints ints_mul(lane_ints a, lane_ints b)
{
    EACH(lane_ints, a.at[i] * b.at[i]);
}

INLINE lane_ints ints_xor(lane_ints a, lane_ints b)
{
    EACH(lane_ints, a.at[i] ^ b.at[i]);
}

INLINE lane_ints ints_shift_right(lane_ints a, int count)
{
    EACH(lane_ints, a.at[i] >> count);
}

INLINE lane_bits ints_at_least(lane_ints a, lane_ints b)
{
    lane_bits bits = 0;
    for (size_t i = 0; i < LANES; i++)
        bits |= (lane_bits)((int32_t)a.at[i] >= (int32_t)b.at[i]) << i;
    return bits;
}

INLINE half half_fma(half a, half b, half c)
{
    return a * b + c;
}

#endif
