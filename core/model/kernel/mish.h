/* mish(x) = x tanh(ln(1 + e^x)), its derivative, and dropout's masks, on lanes.
 *
 * With u = e^x (e^x + 2): mish(x) = x u / (u + 2), and mish'(x) = r (u + 4 x (e^2x + e^x) r) with
 * r = 1 / (u + 2). Above x = 20 both are x and 1 to the last bit, so e^x stops there. */
#ifndef SPIRA_CORE_MODEL_KERNEL_MISH_H
#define SPIRA_CORE_MODEL_KERNEL_MISH_H

#include <math.h>
#include <stdbool.h>

#include "core/model/dropout.h"
#include "core/model/kernel/lanes.h"

/* e^x for x in [-87, 88], within 1.2 units in the last place: 2^n times a polynomial of degree 6 in
 * f = x log2(e) - n, which two multiply-adds give to more than a float's digits. The coefficients
 * are the minimax fit of 2^f on [-1/2, 1/2]. */
INLINE lanes exp_lanes(lanes x)
{
    lanes n = lanes_round(lanes_mul(x, lanes_all(1.44269504088896341f)));
    lanes f = lanes_fma(x, lanes_all(1.44269502162933349609375f), lanes_sub(lanes_all(0), n));
    f = lanes_fma(x, lanes_all(1.92596299112661746887e-8f), f);
    lanes p = lanes_all(0.0001534581243f);
    p = lanes_fma(p, f, lanes_all(0.00133999309f));
    p = lanes_fma(p, f, lanes_all(0.009618489072f));
    p = lanes_fma(p, f, lanes_all(0.05550328642f));
    p = lanes_fma(p, f, lanes_all(0.2402264625f));
    p = lanes_fma(p, f, lanes_all(0.6931471825f));
    p = lanes_fma(p, f, lanes_all(1));
    return lanes_scale(p, n);
}

/* What mish and its derivative share. */
struct mish {
    lanes x, e, u, r;
};

INLINE struct mish mish_of(lanes x)
{
    lanes e = exp_lanes(lanes_max(lanes_min(x, lanes_all(20)), lanes_all(-87)));
    lanes u = lanes_fma(e, e, lanes_add(e, e));
    return (struct mish){x, e, u, lanes_div(lanes_all(1), lanes_add(u, lanes_all(2)))};
}

INLINE lanes mish_value(struct mish m)
{
    return lanes_mul(lanes_mul(m.x, m.u), m.r);
}

INLINE lanes mish_slope(struct mish m)
{
    lanes q = lanes_mul(lanes_fma(m.e, m.e, m.e), m.r);
    return lanes_mul(m.r, lanes_fma(lanes_mul(m.x, lanes_all(4)), q, m.u));
}

INLINE struct mish mish_choose(lane_bits bits, struct mish yes, struct mish no)
{
    return (struct mish){lanes_choose(bits, yes.x, no.x), lanes_choose(bits, yes.e, no.e),
                         lanes_choose(bits, yes.u, no.u), lanes_choose(bits, yes.r, no.r)};
}

/* Mish falls to -0.31 at x = -1.19 and rises again, so two far x may have values closer than floats
 * can tell; pooling gives the gradient to one of them. The lanes where that is to be settled. */
INLINE lane_bits mish_close(lanes a_value, lanes b_value)
{
    lanes apart = lanes_sub(a_value, b_value), negative = lanes_sub(b_value, a_value);
    lanes size = lanes_max(a_value, lanes_all(1));
    return lanes_greater(lanes_mul(size, lanes_all(1e-6f)), lanes_max(apart, negative));
}

static inline double mish_exact(double x)
{
    return x * tanh(log1p(exp(x)));
}

/* The lanes of wins, b > a, settled where they are close. */
static __attribute__((noinline, unused)) lane_bits
mish_settle(lane_bits wins, lane_bits close, const float a[LANES], const float b[LANES])
{
    for (; close; close &= close - 1) {
        unsigned i = (unsigned)__builtin_ctz(close);
        bool larger = mish_exact((double)b[i]) > mish_exact((double)a[i]);
        wins = (wins & ~(1u << i)) | (lane_bits)larger << i;
    }
    return wins;
}

/* The lanes where mish(b) > mish(a); settled in those that matter. */
INLINE lane_bits mish_larger(struct mish a, lanes a_value, struct mish b, lanes b_value,
                             lane_bits matter)
{
    lane_bits wins = lanes_greater(b_value, a_value);
    lane_bits close = mish_close(a_value, b_value) & matter;
    if (__builtin_expect(close != 0, 0)) {
        float a_x[LANES], b_x[LANES];
        lanes_store(a_x, a.x);
        lanes_store(b_x, b.x);
        wins = mish_settle(wins, close, a_x, b_x);
    }
    return wins;
}

/* spira_mask_factor on lanes. spread: each lane's element, relative to the first, times
 * SPIRA_MASK_SPREAD; the lanes of which the mask keeps the element. */
INLINE lane_bits mask_lanes(const struct spira_mask *mask, lane_ints spread, uint32_t first)
{
    lane_ints x = ints_add(spread, ints_all(first * SPIRA_MASK_SPREAD + mask->key[0]));
    x = ints_mul(ints_xor(x, ints_shift_right(x, 16)), ints_all(SPIRA_MASK_FIRST));
    x = ints_add(ints_xor(x, ints_shift_right(x, 15)), ints_all(mask->key[1]));
    x = ints_mul(x, ints_all(SPIRA_MASK_SECOND));
    x = ints_xor(x, ints_shift_right(x, 15));
    return ints_at_least(ints_shift_right(x, 8), ints_all(mask->least));
}

/* The spread of elements `stride` apart. */
INLINE lane_ints mask_spread(uint32_t stride)
{
    uint32_t spread[LANES];
    for (uint32_t i = 0; i < LANES; i++)
        spread[i] = i * stride * SPIRA_MASK_SPREAD;
    return ints_load(spread);
}

#endif
