#include "core/features/power.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The shortest real transform whose half has a stage. */
enum { LEAST_POINTS = 3 };

size_t spira_power_points(size_t n, size_t win_length)
{
    for (size_t m = win_length > LEAST_POINTS ? win_length : LEAST_POINTS; m <= n; m++)
        if (n % m == 0 && spira_fft_covers(m))
            return m;
    return 0;
}

/* exp(-2 pi i numerator / denominator). */
static void turn(float ret_turn[2], size_t numerator, size_t denominator)
{
    double angle = -2 * M_PI * (double)numerator / (double)denominator;
    ret_turn[0] = (float)cos(angle);
    ret_turn[1] = (float)sin(angle);
}

static float windowed(const float *window, size_t win_length, size_t j)
{
    return j < win_length ? window[j] : 0;
}

static void fill_packed(float (*ret_factors)[2], const float *window, size_t win_length, size_t m)
{
    for (size_t j = 0; j < m / 2; j++) {
        ret_factors[j][0] = windowed(window, win_length, 2 * j);
        ret_factors[j][1] = windowed(window, win_length, 2 * j + 1);
    }
}

static void fill_modulated(float (*ret_factors)[2], const float *window, size_t win_length,
                           size_t m, size_t p, size_t n)
{
    for (size_t j = 0; j < m; j++) {
        double angle = -2 * M_PI * (double)(j * p % n) / (double)n;
        double w = (double)windowed(window, win_length, j);
        ret_factors[j][0] = (float)(w * cos(angle));
        ret_factors[j][1] = (float)(w * sin(angle));
    }
}

static void fill_residues(struct spira_power_plan *plan, const float *window)
{
    float(*factors)[2] = plan->window;
    size_t m = plan->points;
    for (size_t p = 0; p < plan->residue_count; p++) {
        bool packed = p == 0 && m % 2 == 0;
        plan->residues[p] = (struct spira_residue){p, packed, factors};
        if (packed)
            fill_packed(factors, window, plan->win_length, m);
        else
            fill_modulated(factors, window, plan->win_length, m, p, plan->n);
        factors += packed ? m / 2 : m;
    }
    for (size_t k = 0; k <= m / 4; k++) {
        /* -i = exp(-2 pi i / 4). */
        turn(plan->unpack[k], 4 * k + m, 4 * m);
    }
}

static enum spira_code make_transforms(struct spira_power_plan *plan, struct spira_error *err)
{
    size_t m = plan->points;
    enum spira_code code = SPIRA_OK;
    if (m % 2 == 0)
        code = spira_fft_init(&plan->half, m / 2, err);
    if (code == SPIRA_OK && (m % 2 == 1 || plan->residue_count > 1))
        code = spira_fft_init(&plan->whole, m, err);
    return code;
}

enum spira_code spira_power_init(struct spira_power_plan *ret_plan, size_t n, const float *window,
                                 size_t win_length, struct spira_error *err)
{
    assert(win_length >= 1 && win_length <= n);
    struct spira_power_plan plan = {
        .n = n, .win_length = win_length, .points = spira_power_points(n, win_length)};
    if (plan.points == 0) {
        *ret_plan = plan;
        return SPIRA_OK;
    }
    plan.step = n / plan.points;
    plan.residue_count = plan.step / 2 + 1;
    enum spira_code code = make_transforms(&plan, err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&plan.window, plan.residue_count * plan.points, sizeof *plan.window,
                               "windows of a transform", err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&plan.unpack, plan.points / 4 + 1, sizeof *plan.unpack,
                               "tables of a transform", err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&plan.residues, plan.residue_count, sizeof *plan.residues,
                               "residues of a transform", err);
    if (code != SPIRA_OK) {
        spira_power_done(&plan);
        return code;
    }
    fill_residues(&plan, window);
    *ret_plan = plan;
    return SPIRA_OK;
}

void spira_power_done(struct spira_power_plan *plan)
{
    spira_fft_done(&plan->whole);
    spira_fft_done(&plan->half);
    free(plan->window);
    free(plan->unpack);
    free(plan->residues);
    *plan = (struct spira_power_plan){0};
}
