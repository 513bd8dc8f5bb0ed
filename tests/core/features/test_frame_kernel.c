#include <criterion/criterion.h>
#include <math.h>

#include "core/base/random.h"
#include "core/features/dct.h"
#include "core/features/frame_kernel.h"
#include "core/features/window.h"
#include "tests/oracle/fourier_oracle.h"

/* Every test goes over all levels of the machine it runs on. */
#define FOR_EACH_LEVEL(level)                                                                      \
    for (enum spira_dispatch level = SPIRA_DISPATCH_SCALAR; level <= spira_dispatch_best(); level++)

static float *values_new(size_t count)
{
    float *values = NULL;
    struct spira_error err;
    cr_assert_eq(spira_big_alloc(&values, count, sizeof *values, "values", &err), SPIRA_OK);
    return values;
}

static float *noise_new(size_t count)
{
    float *values = values_new(count);
    struct spira_random random = spira_random_stream(3, SPIRA_FOR_NOISE, count, 0);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)spira_random_normal(&random);
    return values;
}

/* The value of each lane of rows (count, lanes), put into ret_values (SPIRA_LANES_MAX, count). */
static void append_lanes(const struct spira_frame_kernel *kernel, const float *rows, size_t count,
                         size_t first_lane, float *ret_values)
{
    for (size_t l = 0; l < kernel->lanes; l++)
        for (size_t i = 0; i < count; i++)
            ret_values[(first_lane + l) * count + i] = rows[i * kernel->lanes + l];
}

Test(frame_kernel, transpose_works_for_any_shape)
{
    FOR_EACH_LEVEL(level)
    {
        enum { ROWS = 9, COLUMNS = 11, X_STRIDE = 13, Y_STRIDE = 10 };
        float *x = noise_new(ROWS * X_STRIDE), y[COLUMNS * Y_STRIDE];
        for (size_t rows = 1; rows <= ROWS; rows++)
            for (size_t columns = 1; columns <= COLUMNS; columns++) {
                for (size_t i = 0; i < COLUMNS * Y_STRIDE; i++)
                    y[i] = 1234;
                spira_frame_kernel_at(level)->transpose(y, Y_STRIDE, x, X_STRIDE, rows, columns);
                for (size_t j = 0; j < COLUMNS; j++)
                    for (size_t i = 0; i < Y_STRIDE; i++) {
                        float expected = j < columns && i < rows ? x[i * X_STRIDE + j] : 1234;
                        cr_assert_eq(y[j * Y_STRIDE + i], expected);
                    }
            }
        free(x);
    }
}

/* Power spectra of SPIRA_LANES_MAX frames (win_length each), lanes at a time, into ret_power
 * (SPIRA_LANES_MAX, n/2+1). */
static void compute_powers(const struct spira_frame_kernel *kernel,
                           const struct spira_power_plan *plan, const float *frames,
                           float *ret_power)
{
    size_t lanes = kernel->lanes, bins = plan->n / 2 + 1;
    float *x = values_new(plan->points * lanes), *power = values_new(bins * lanes);
    float *spectra = values_new(2 * plan->points * lanes);
    for (size_t l = 0; l < SPIRA_LANES_MAX; l += lanes) {
        kernel->transpose(x, lanes, frames + l * plan->win_length, plan->win_length, lanes,
                          plan->win_length);
        kernel->power(plan, x, spectra, power);
        append_lanes(kernel, power, bins, l, ret_power);
    }
    free(x);
    free(power);
    free(spectra);
}

/* Of every level: |error| <= 1e-6 of the sum of squares times length; and the same bits. */
static void assert_is_power(size_t n, size_t win_length)
{
    size_t bins = n / 2 + 1;
    float *window = values_new(win_length), *frames = noise_new(SPIRA_LANES_MAX * win_length);
    float *first = values_new(SPIRA_LANES_MAX * bins), *power = values_new(SPIRA_LANES_MAX * bins);
    spira_window_hann(window, win_length);
    struct spira_error err;
    SPIRA_CLEANUP(spira_power_done)
    struct spira_power_plan plan = {0};
    cr_assert_eq(spira_power_init(&plan, n, window, win_length, &err), SPIRA_OK);
    cr_assert_neq(plan.points, 0, "n %zu", n);
    compute_powers(spira_frame_kernel_at(SPIRA_DISPATCH_SCALAR), &plan, frames, first);
    for (size_t l = 0; l < SPIRA_LANES_MAX; l += 5) {
        const float *x = frames + l * win_length;
        double energy = 0;
        for (size_t j = 0; j < win_length; j++)
            energy += pow((double)x[j] * (double)window[j], 2);
        for (size_t k = 0; k < bins; k++)
            cr_assert_float_eq((double)first[l * bins + k],
                               oracle_windowed_power(x, window, win_length, n, k),
                               2e-6 * energy * sqrt((double)win_length),
                               "n %zu, win_length %zu, lane %zu, bin %zu", n, win_length, l, k);
    }
    FOR_EACH_LEVEL(level)
    {
        compute_powers(spira_frame_kernel_at(level), &plan, frames, power);
        cr_assert_arr_eq(power, first, SPIRA_LANES_MAX * bins * sizeof *power, "%s, n %zu",
                         spira_dispatch_name(level), n);
    }
    free(window);
    free(frames);
    free(first);
    free(power);
}

Test(frame_kernel, power_follows_the_definition_at_every_level)
{
    /* Whole windows of every length the own transform covers: each radix, odd and even. */
    for (size_t n = 3; n <= 135; n++)
        if (spira_fft_covers(n))
            assert_is_power(n, n);
    /* Pruned by 2 to 6, windows shorter than the transform, and of one sample. */
    for (size_t step = 2; step <= 6; step++) {
        assert_is_power(20 * step, 20);
        assert_is_power(20 * step, 17);
        assert_is_power(27 * step, 25);
        assert_is_power(16 * step, 1);
    }
    assert_is_power(1200, 400);
    assert_is_power(2048, 1024);
    assert_is_power(1125, 375);
}

/* Logarithm of values of all sizes, against libm's in double. */
Test(frame_kernel, logarithms_are_right_at_every_level)
{
    enum { COUNT = 4096 };
    float *x = values_new(COUNT), *y = values_new(COUNT), *first = values_new(COUNT);
    for (size_t i = 0; i < COUNT; i++)
        x[i] = (float)exp2(-40 + 80 * (double)i / COUNT);
    x[0] = 0;
    x[1] = 1;
    x[2] = 1 - 0x1p-24f;
    x[3] = 1 + 0x1p-23f;
    FOR_EACH_LEVEL(level)
    {
        const struct spira_frame_kernel *kernel = spira_frame_kernel_at(level);
        memcpy(y, x, COUNT * sizeof *x);
        kernel->log_offset(y, COUNT, 1e-6f);
        for (size_t i = 0; i < COUNT; i++) {
            double expected = log((double)(x[i] + 1e-6f));
            cr_assert_float_eq((double)y[i], expected, 1.5e-7 * fabs(expected) + 1e-9, "ln(%.9g)",
                               (double)x[i]);
        }
        if (level == SPIRA_DISPATCH_SCALAR)
            memcpy(first, y, COUNT * sizeof *y);
        cr_assert_arr_eq(y, first, COUNT * sizeof *y);
        memcpy(y, x, COUNT * sizeof *x);
        kernel->decibels(y, COUNT, 1e-10f, 1000);
        for (size_t i = 0; i < COUNT; i++) {
            double expected = 10 * log10(fmax((double)x[i], 1e-10));
            cr_assert_float_eq((double)y[i], expected, 3e-7 * fabs(expected) + 1e-9);
        }
    }
    free(x);
    free(y);
    free(first);
}

Test(frame_kernel, what_is_no_number_has_no_logarithm)
{
    FOR_EACH_LEVEL(level)
    {
        float *x = values_new(SPIRA_LANES_MAX);
        x[0] = INFINITY;
        x[1] = NAN;
        spira_frame_kernel_at(level)->log_offset(x, SPIRA_LANES_MAX, 1e-6f);
        cr_assert_eq(x[0], INFINITY);
        cr_assert(isnan(x[1]));
        free(x);
    }
}

Test(frame_kernel, decibels_are_within_their_range_of_the_largest_in_any_lane)
{
    FOR_EACH_LEVEL(level)
    {
        enum { COUNT = 3 * SPIRA_LANES_MAX };
        for (size_t largest = 0; largest < COUNT; largest++) {
            float *x = values_new(COUNT);
            x[largest] = 100;
            spira_frame_kernel_at(level)->decibels(x, COUNT, 1e-10f, 80);
            for (size_t i = 0; i < COUNT; i++)
                cr_assert_float_eq(x[i], i == largest ? 20 : -60, 1e-5f);
            free(x);
        }
    }
}

/* Mels and coefficients of SPIRA_LANES_MAX lanes, any level: the sums, and the same bits. */
Test(frame_kernel, mels_and_coefficients_are_the_sums_at_every_level)
{
    enum { BINS = 33, M = 11, K = 7 };
    struct spira_error err;
    SPIRA_CLEANUP(spira_mel_done)
    struct spira_mel mel = {0};
    cr_assert_eq(spira_mel_init(&mel, BINS, M, 0, 0, 16000, &err), SPIRA_OK);
    float matrix[M * K], *frames = noise_new(SPIRA_LANES_MAX * BINS);
    spira_dct_matrix(matrix, M, K);
    float first_mels[SPIRA_LANES_MAX * M], first[SPIRA_LANES_MAX * K];
    float all_mels[SPIRA_LANES_MAX * M], all[SPIRA_LANES_MAX * K];
    float *power = values_new(BINS * SPIRA_LANES_MAX), *mels = values_new(M * SPIRA_LANES_MAX);
    float *coefficients = values_new(K * SPIRA_LANES_MAX);
    FOR_EACH_LEVEL(level)
    {
        const struct spira_frame_kernel *kernel = spira_frame_kernel_at(level);
        for (size_t l = 0; l < SPIRA_LANES_MAX; l += kernel->lanes) {
            kernel->transpose(power, kernel->lanes, frames + l * BINS, BINS, kernel->lanes, BINS);
            kernel->mels(&mel, power, mels);
            append_lanes(kernel, mels, M, l, all_mels);
            kernel->dct(matrix, mels, M, K, coefficients);
            append_lanes(kernel, coefficients, K, l, all);
        }
        if (level == SPIRA_DISPATCH_SCALAR) {
            memcpy(first_mels, all_mels, sizeof first_mels);
            memcpy(first, all, sizeof first);
        }
        cr_assert_arr_eq(all_mels, first_mels, sizeof first_mels);
        cr_assert_arr_eq(all, first, sizeof first);
    }
    for (size_t l = 0; l < SPIRA_LANES_MAX; l++)
        for (size_t m = 0; m < M; m++) {
            double sum = 0;
            for (size_t i = 0; i < mel.filters[m].count; i++)
                sum += (double)mel.filters[m].weights[i] *
                       (double)frames[l * BINS + mel.filters[m].first_bin + i];
            cr_assert_float_eq((double)first_mels[l * M + m], sum, 1e-5);
        }
    for (size_t l = 0; l < SPIRA_LANES_MAX; l++)
        for (size_t k = 0; k < K; k++) {
            double sum = 0;
            for (size_t m = 0; m < M; m++)
                sum += (double)first_mels[l * M + m] * (double)matrix[m * K + k];
            cr_assert_float_eq((double)first[l * K + k], sum, 1e-5);
        }
    free(frames);
    free(power);
    free(mels);
    free(coefficients);
}
