#include <criterion/criterion.h>
#include <math.h>

#include "core/audio/resample.h"
#include "core/base/random.h"
#include "tests/oracle/resample_oracle.h"

static float *noise_new(size_t count)
{
    struct spira_random random = spira_random_stream(3, SPIRA_FOR_NOISE, count, 0);
    float *x = spira_alloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(2 * spira_random_unit(&random) - 1);
    return x;
}

static float *resampled_new(const float *x, size_t count, int from_hz, int to_hz)
{
    struct spira_error err;
    float *y = spira_alloc(spira_resampled_count(count, from_hz, to_hz), sizeof *y);
    cr_assert_eq(spira_resample(x, count, from_hz, to_hz, y, &err), SPIRA_OK, "%s", err.message);
    return y;
}

Test(resample, agrees_with_the_formula_for_any_pair_of_rates)
{
    static const int rates[][2] = {{48000, 16000}, {44100, 16000}, {8000, 16000},  {16000, 8000},
                                   {11025, 16000}, {4000, 192000}, {192000, 4000}, {44101, 16000},
                                   {15999, 16000}, {16000, 16000}, {6, 4}};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        int from_hz = rates[r][0], to_hz = rates[r][1];
        size_t count = 1500, out = spira_resampled_count(count, from_hz, to_hz);
        float *x = noise_new(count), *y = resampled_new(x, count, from_hz, to_hz);
        size_t step = out / 97 + 1; /* a sample here and there, and the ends */
        for (size_t j = 0; j < out; j += j + step < out ? step : 1) {
            double expected =
                from_hz == to_hz ? (double)x[j] : oracle_resampled(x, count, from_hz, to_hz, j);
            cr_assert_float_eq((double)y[j], expected, 1e-6, "%d to %d Hz, sample %zu", from_hz,
                               to_hz, j);
        }
        free(x);
        free(y);
    }
}

Test(resample, length_is_rounded_up)
{
    cr_assert_eq(spira_resampled_count(0, 48000, 16000), 0);
    cr_assert_eq(spira_resampled_count(1, 48000, 16000), 1);
    cr_assert_eq(spira_resampled_count(3, 48000, 16000), 1);
    cr_assert_eq(spira_resampled_count(4, 48000, 16000), 2);
    cr_assert_eq(spira_resampled_count(44101, 44100, 16000), 16001);
    cr_assert_eq(spira_resampled_count(1, 4000, 192000), 48);
}

/* Pushes x in blocks of uneven sizes; returns how many samples came out. */
static size_t push_in_blocks(const float *x, size_t count, int from_hz, int to_hz, float *y)
{
    SPIRA_CLEANUP(spira_resampler_free_at)
    struct spira_resampler *resampler = NULL;
    struct spira_error err;
    cr_assert_eq(spira_resampler_new(from_hz, to_hz, &resampler, &err), SPIRA_OK);
    size_t made = 0, block = 1;
    for (size_t done = 0; done < count; done += block, block = block * 7 % 5003 + 1) {
        block = block < count - done ? block : count - done;
        size_t room = spira_resampler_room(resampler, block);
        size_t more = spira_resampler_push(resampler, x + done, block, y + made);
        cr_assert_leq(more, room);
        made += more;
    }
    size_t room = spira_resampler_room(resampler, 0);
    size_t rest = spira_resampler_flush(resampler, y + made);
    cr_assert_eq(rest, room);
    return made + rest;
}

Test(resample, blocks_of_any_size_give_the_same_bits)
{
    static const int rates[][2] = {{48000, 16000}, {44100, 16000}, {8000, 48000}, {8000, 8000}};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        size_t count = 30011, out = spira_resampled_count(count, rates[r][0], rates[r][1]);
        float *x = noise_new(count), *whole = resampled_new(x, count, rates[r][0], rates[r][1]);
        float *blocks = spira_alloc(out, sizeof *blocks);
        cr_assert_eq(push_in_blocks(x, count, rates[r][0], rates[r][1], blocks), out);
        cr_assert_arr_eq(blocks, whole, out * sizeof *whole);
        free(x);
        free(whole);
        free(blocks);
    }
}

Test(resample, a_tone_keeps_its_height_and_one_above_half_the_rate_goes)
{
    enum { COUNT = 48000 };
    float *low = spira_alloc(COUNT, sizeof *low), *high = spira_alloc(COUNT, sizeof *high);
    for (size_t i = 0; i < COUNT; i++) {
        low[i] = (float)sin(2 * M_PI * 1000 * (double)i / 48000);
        high[i] = (float)sin(2 * M_PI * 12000 * (double)i / 48000);
    }
    float *kept = resampled_new(low, COUNT, 48000, 16000);
    float *gone = resampled_new(high, COUNT, 48000, 16000);
    for (size_t j = 100; j < 15900; j++) {
        cr_assert_float_eq((double)kept[j], sin(2 * M_PI * 1000 * (double)j / 16000), 2e-3);
        cr_assert_lt(fabs((double)gone[j]), 2e-3);
    }
    free(low);
    free(high);
    free(kept);
    free(gone);
}

Test(resample, refuses_a_rate_of_nothing)
{
    struct spira_resampler *resampler = NULL;
    struct spira_error err;
    cr_assert_eq(spira_resampler_new(0, 16000, &resampler, &err), SPIRA_EINVALID);
    cr_assert_not_null(strstr(err.message, "from 0 Hz"));
    cr_assert_eq(spira_resampler_new(16000, -1, &resampler, &err), SPIRA_EINVALID);
    cr_assert_null(resampler);
}
