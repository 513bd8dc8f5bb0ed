/* mish(x) = x tanh(ln(1 + e^x)) and its derivative, in a form compilers turn into vectors.
 * Inside of core/model/.
 *
 * With u = e^x (e^x + 2): mish(x) = x u / (u + 2), and mish'(x) = r (u + 4 x (e^2x + e^x) r) with
 * r = 1 / (u + 2). Above x = 20 both are x and 1 to the last bit, so e^x stops there. */
#ifndef SPIRA_CORE_MODEL_MISH_H
#define SPIRA_CORE_MODEL_MISH_H

#include <stdint.h>
#include <string.h>

/* e^x for x in [-87, 88], within 1e-7 of it: 2^n times a polynomial (Moshier, Cephes, expf). */
static inline float spira_exp(float x)
{
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    float n = (x * 1.44269504f + to_integer) - to_integer;
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    uint32_t bits = ((uint32_t)(int32_t)n + 127u) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float spira_mish_bounded(float x)
{
    return x < -87.0f ? -87.0f : x > 20.0f ? 20.0f : x;
}

static inline float spira_mish(float x)
{
    float e = spira_exp(spira_mish_bounded(x));
    float u = e * (e + 2.0f);
    return x * u / (u + 2.0f);
}

static inline float spira_mish_derivative(float x)
{
    float e = spira_exp(spira_mish_bounded(x));
    float u = e * (e + 2.0f);
    float r = 1.0f / (u + 2.0f);
    return r * (u + 4.0f * x * (e * e + e) * r);
}

#endif
