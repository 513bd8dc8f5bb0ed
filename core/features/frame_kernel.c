/* Built once for each level of core/base/dispatch.h: SPIRA_LEVEL is its name, SPIRA_LANES how many
 * floats its vectors hold. No multiply is fused with an add, at any level (-ffp-contract=off): an
 * instruction set without the fused one gets the same bits. */
#include "core/features/frame_kernel.h"

#include <math.h>
#include <string.h>

enum { LANES = SPIRA_LANES };

/* One value of each frame; int_lanes are their bits. */
typedef float lanes __attribute__((vector_size(4 * SPIRA_LANES), may_alias));
typedef int32_t int_lanes __attribute__((vector_size(4 * SPIRA_LANES), may_alias));
/* Four values of one frame. */
typedef float quad __attribute__((vector_size(16)));

struct complex_lanes {
    lanes re, im;
};

#define INLINE static inline __attribute__((always_inline))

INLINE lanes all(float value)
{
    return (lanes){0} + value;
}

/* Where mask is all ones, a, else b. */
INLINE lanes choose(int_lanes mask, lanes a, lanes b)
{
    return (lanes)((mask & (int_lanes)a) | (~mask & (int_lanes)b));
}

/* ---- transposition ---- */

INLINE quad load_quad(const float *at)
{
    quad value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* y(j, i) = x(i, j) for i, j < 4. */
INLINE void transpose_4x4(float *y, size_t y_stride, const float *x, size_t x_stride)
{
    quad a = load_quad(x), b = load_quad(x + x_stride);
    quad c = load_quad(x + 2 * x_stride), d = load_quad(x + 3 * x_stride);
    quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    quad rows[4] = {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
                    __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
                    __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                    __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
    for (size_t j = 0; j < 4; j++)
        memcpy(y + j * y_stride, &rows[j], sizeof rows[j]);
}

static void transpose(float *restrict ret_y, size_t y_stride, const float *restrict x,
                      size_t x_stride, size_t rows, size_t columns)
{
    size_t row_blocks = rows / 4 * 4, column_blocks = columns / 4 * 4;
    for (size_t i = 0; i < row_blocks; i += 4)
        for (size_t j = 0; j < column_blocks; j += 4)
            transpose_4x4(ret_y + j * y_stride + i, y_stride, x + i * x_stride + j, x_stride);
    for (size_t j = 0; j < columns; j++)
        for (size_t i = j < column_blocks ? row_blocks : 0; i < rows; i++)
            ret_y[j * y_stride + i] = x[i * x_stride + j];
}

/* ---- Fourier transform ---- */

INLINE struct complex_lanes plus(struct complex_lanes a, struct complex_lanes b)
{
    return (struct complex_lanes){a.re + b.re, a.im + b.im};
}

INLINE struct complex_lanes minus(struct complex_lanes a, struct complex_lanes b)
{
    return (struct complex_lanes){a.re - b.re, a.im - b.im};
}

/* -i a. */
INLINE struct complex_lanes minus_i(struct complex_lanes a)
{
    return (struct complex_lanes){a.im, -a.re};
}

INLINE struct complex_lanes scaled(struct complex_lanes a, float factor)
{
    return (struct complex_lanes){a.re * factor, a.im * factor};
}

INLINE struct complex_lanes turned(struct complex_lanes a, const float turn[2])
{
    return (struct complex_lanes){a.re * turn[0] - a.im * turn[1], a.re * turn[1] + a.im * turn[0]};
}

INLINE lanes squared(struct complex_lanes a)
{
    return a.re * a.re + a.im * a.im;
}

INLINE void butterfly_2(struct complex_lanes *x)
{
    struct complex_lanes difference = minus(x[0], x[1]);
    x[0] = plus(x[0], x[1]);
    x[1] = difference;
}

INLINE void butterfly_3(struct complex_lanes *x)
{
    const float sine = 0.86602540378443865f; /* sin(2 pi / 3) */
    struct complex_lanes sum = plus(x[1], x[2]);
    struct complex_lanes even = minus(x[0], scaled(sum, 0.5f));
    struct complex_lanes odd = minus_i(scaled(minus(x[1], x[2]), sine));
    x[0] = plus(x[0], sum);
    x[1] = plus(even, odd);
    x[2] = minus(even, odd);
}

INLINE void butterfly_4(struct complex_lanes *x)
{
    struct complex_lanes even_sum = plus(x[0], x[2]), even_difference = minus(x[0], x[2]);
    struct complex_lanes odd_sum = plus(x[1], x[3]);
    struct complex_lanes odd_difference = minus_i(minus(x[1], x[3]));
    x[0] = plus(even_sum, odd_sum);
    x[1] = plus(even_difference, odd_difference);
    x[2] = minus(even_sum, odd_sum);
    x[3] = minus(even_difference, odd_difference);
}

INLINE void butterfly_5(struct complex_lanes *x)
{
    const float cosine_1 = 0.30901699437494742f, cosine_2 = -0.80901699437494742f;
    const float sine_1 = 0.95105651629515357f, sine_2 = 0.58778525229247313f; /* of 2 pi s / 5 */
    struct complex_lanes sum_14 = plus(x[1], x[4]), sum_23 = plus(x[2], x[3]);
    struct complex_lanes difference_14 = minus(x[1], x[4]), difference_23 = minus(x[2], x[3]);
    struct complex_lanes even_1 =
        plus(x[0], plus(scaled(sum_14, cosine_1), scaled(sum_23, cosine_2)));
    struct complex_lanes even_2 =
        plus(x[0], plus(scaled(sum_14, cosine_2), scaled(sum_23, cosine_1)));
    struct complex_lanes odd_1 =
        minus_i(plus(scaled(difference_14, sine_1), scaled(difference_23, sine_2)));
    struct complex_lanes odd_2 =
        minus_i(minus(scaled(difference_14, sine_2), scaled(difference_23, sine_1)));
    x[0] = plus(x[0], plus(sum_14, sum_23));
    x[1] = plus(even_1, odd_1);
    x[2] = plus(even_2, odd_2);
    x[3] = minus(even_2, odd_2);
    x[4] = minus(even_1, odd_1);
}

/* x(q) = sum over s < radix of exp(-2 pi i s q / radix) x(s). */
INLINE void butterfly(struct complex_lanes *x, size_t radix)
{
    switch (radix) {
    case 2:
        butterfly_2(x);
        break;
    case 3:
        butterfly_3(x);
        break;
    case 4:
        butterfly_4(x);
        break;
    default:
        butterfly_5(x);
    }
}

/* What a transform reads: point j is (x(jump j) window(j).re, x(jump j + jump - 1) window(j).im).
 */
struct input {
    const lanes *x;
    size_t jump; /* 2 when packed, else 1 */
    const float (*window)[2];
};

/* X (count, radix): transform i of count is of the radix points first + (i + s count) stride. */
INLINE void leaves_of(struct complex_lanes *X, const struct input *input, size_t first,
                      size_t stride, size_t count, size_t radix)
{
    for (size_t i = 0; i < count; i++) {
        struct complex_lanes x[SPIRA_FFT_RADIX_MAX];
        for (size_t s = 0; s < radix; s++) {
            size_t j = first + (i + s * count) * stride;
            const lanes *pair = input->x + input->jump * j;
            x[s].re = pair[0] * input->window[j][0];
            x[s].im = pair[input->jump - 1] * input->window[j][1];
        }
        butterfly(x, radix);
        for (size_t s = 0; s < radix; s++)
            X[i * radix + s] = x[s];
    }
}

static void leaves(struct complex_lanes *X, const struct input *input, size_t first, size_t stride,
                   size_t count, size_t radix)
{
    switch (radix) {
    case 2:
        leaves_of(X, input, first, stride, count, 2);
        break;
    case 3:
        leaves_of(X, input, first, stride, count, 3);
        break;
    case 4:
        leaves_of(X, input, first, stride, count, 4);
        break;
    default:
        leaves_of(X, input, first, stride, count, 5);
    }
}

INLINE void join_of(struct complex_lanes *X, size_t rest, const float (*turns)[2], size_t radix)
{
    for (size_t k = 0; k < rest; k++, turns += radix - 1) {
        struct complex_lanes x[SPIRA_FFT_RADIX_MAX];
        x[0] = X[k];
        for (size_t s = 1; s < radix; s++)
            x[s] = turned(X[s * rest + k], turns[s - 1]);
        butterfly(x, radix);
        for (size_t s = 0; s < radix; s++)
            X[s * rest + k] = x[s];
    }
}

static void join(struct complex_lanes *X, const struct spira_fft_stage *stage)
{
    const float(*turns)[2] = (const float(*)[2])stage->turns;
    switch (stage->radix) {
    case 2:
        join_of(X, stage->rest, turns, 2);
        break;
    case 3:
        join_of(X, stage->rest, turns, 3);
        break;
    case 4:
        join_of(X, stage->rest, turns, 4);
        break;
    default:
        join_of(X, stage->rest, turns, 5);
    }
}

/* X: the transform, by the stages from stage on, of the points first + j stride. Depth first: the
 * parts stay in the nearest cache while they are joined. */
static void transform(const struct spira_fft *fft, size_t stage, struct complex_lanes *X,
                      const struct input *input, size_t first, size_t stride)
{
    const struct spira_fft_stage *here = &fft->stages[stage];
    size_t radix = here->radix, rest = here->rest, left = fft->stage_count - stage;
    if (left == 1) {
        leaves(X, input, first, stride, 1, radix);
        return;
    }
    if (left == 2)
        leaves(X, input, first, stride, radix, rest);
    else
        for (size_t s = 0; s < radix; s++)
            transform(fft, stage + 1, X + s * rest, input, first + s * stride, radix * stride);
    join(X, here);
}

/* ---- power ---- */

/* Residue 0 from the transform of its packed points. */
static void packed_power(const struct spira_power_plan *plan, const struct complex_lanes *Z,
                         lanes *ret_power)
{
    size_t h = plan->half.points, r = plan->step;
    for (size_t k = 0; 2 * k <= h; k++) {
        struct complex_lanes a = Z[k], b = Z[k == 0 ? 0 : h - k];
        b.im = -b.im;
        struct complex_lanes sum = plus(a, b), t = turned(minus(a, b), plan->unpack[k]);
        ret_power[r * k] = 0.25f * squared(plus(sum, t));
        ret_power[r * (h - k)] = 0.25f * squared(minus(sum, t));
    }
}

static void residue_power(const struct spira_power_plan *plan, size_t p,
                          const struct complex_lanes *X, lanes *ret_power)
{
    for (size_t q = 0; q < plan->points; q++) {
        size_t k = plan->step * q + p;
        ret_power[2 * k > plan->n ? plan->n - k : k] = squared(X[q]);
    }
}

static void power(const struct spira_power_plan *plan, const float *restrict x,
                  float *restrict spectra, float *restrict ret_power)
{
    struct complex_lanes *X = (struct complex_lanes *)(void *)spectra;
    lanes *powers = (lanes *)ret_power;
    for (size_t p = 0; p < plan->residue_count; p++) {
        const struct spira_residue *residue = &plan->residues[p];
        struct input input = {(const lanes *)x, residue->packed ? 2 : 1,
                              (const float(*)[2])residue->window};
        transform(residue->packed ? &plan->half : &plan->whole, 0, X, &input, 0, 1);
        if (residue->packed)
            packed_power(plan, X, powers);
        else
            residue_power(plan, p, X, powers);
    }
}

/* ---- mel, logarithm, cosine transform ---- */

static void mels(const struct spira_mel *mel, const float *restrict power_rows,
                 float *restrict ret_mels)
{
    const lanes *rows = (const lanes *)power_rows;
    for (size_t m = 0; m < mel->num_mels; m++) {
        const struct spira_mel_filter *filter = &mel->filters[m];
        const lanes *bins = rows + filter->first_bin;
        lanes even = all(0), odd = all(0);
        size_t i = 0;
        for (; i + 1 < filter->count; i += 2) {
            even += filter->weights[i] * bins[i];
            odd += filter->weights[i + 1] * bins[i + 1];
        }
        if (i < filter->count)
            even += filter->weights[i] * bins[i];
        ((lanes *)ret_mels)[m] = even + odd;
    }
}

/* ln(x), x normal and positive; infinity and NaN stay what they are. With x = 2^e (1 + f),
 * sqrt(1/2) <= 1 + f < sqrt(2): ln(1 + f) = f - f^2/2 + f^3 P(f), the polynomial of Moshier's
 * Cephes library (logf); ln 2 is the sum of a part that e multiplies exactly and a rest. */
INLINE lanes natural_log(lanes x)
{
    const float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static const float P[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                              -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                              2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    const int32_t sqrt_half = 0x3f3504f3; /* the bits of sqrt(1/2) */
    int_lanes exponent = ((int_lanes)x - sqrt_half) >> 23;
    lanes e = __builtin_convertvector(exponent, lanes);
    lanes f = (lanes)((int_lanes)x - (exponent << 23)) - 1.0f;
    lanes p = all(P[0]), square = f * f;
    for (size_t i = 1; i < sizeof P / sizeof *P; i++)
        p = p * f + P[i];
    lanes y = f * square * p + e * ln2_low - 0.5f * square + f + e * ln2_high;
    return choose((int_lanes)(x < HUGE_VALF), y, x);
}

static void log_offset(float *x, size_t count, float offset)
{
    lanes *values = (lanes *)x;
    for (size_t i = 0; i < count / LANES; i++)
        values[i] = natural_log(values[i] + offset);
}

static void decibels(float *x, size_t count, float floor_power, float range)
{
    const float decibels_per_neper = 4.34294481903251828f; /* 10 / ln(10) */
    lanes *values = (lanes *)x, largest = all(-HUGE_VALF);
    for (size_t i = 0; i < count / LANES; i++) {
        lanes above = choose((int_lanes)(values[i] < floor_power), all(floor_power), values[i]);
        values[i] = decibels_per_neper * natural_log(above);
        largest = choose((int_lanes)(values[i] > largest), values[i], largest);
    }
    float most = largest[0];
    for (size_t l = 1; l < LANES; l++)
        most = largest[l] > most ? largest[l] : most;
    lanes least = all(most - range);
    for (size_t i = 0; i < count / LANES; i++)
        values[i] = choose((int_lanes)(values[i] < least), least, values[i]);
}

/* Coefficients k and on, count (at most 4) of them. */
INLINE void dct_of(const float *restrict matrix, const lanes *restrict x, size_t M, size_t K,
                   size_t count, lanes *restrict ret_y)
{
    lanes sums[4] = {all(0), all(0), all(0), all(0)};
    for (size_t m = 0; m < M; m++)
        for (size_t k = 0; k < count; k++)
            sums[k] += x[m] * matrix[m * K + k];
    for (size_t k = 0; k < count; k++)
        ret_y[k] = sums[k];
}

static void dct(const float *restrict matrix, const float *restrict x, size_t M, size_t K,
                float *restrict ret_y)
{
    size_t k = 0;
    for (; k + 4 <= K; k += 4)
        dct_of(matrix + k, (const lanes *)x, M, K, 4, (lanes *)ret_y + k);
    for (; k < K; k++)
        dct_of(matrix + k, (const lanes *)x, M, K, 1, (lanes *)ret_y + k);
}

#define PASTE(a, b) a##b
#define NAME_OF(level) PASTE(spira_frame_kernel_, level)

extern const struct spira_frame_kernel NAME_OF(SPIRA_LEVEL);
const struct spira_frame_kernel NAME_OF(SPIRA_LEVEL) = {
    .lanes = LANES,
    .transpose = transpose,
    .power = power,
    .mels = mels,
    .log_offset = log_offset,
    .decibels = decibels,
    .dct = dct,
};
