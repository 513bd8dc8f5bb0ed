/* The fourier port by its definition, for tests of core/features: core tests link no adapter. */
#ifndef SPIRA_TESTS_CORE_FEATURES_FOURIER_FAKE_H
#define SPIRA_TESTS_CORE_FEATURES_FOURIER_FAKE_H

#include <math.h>
#include <stdlib.h>

#include "core/ports/fourier.h"

struct fake_plan {
    size_t n, batch;
    double *cosines, *sines; /* (n) */
};

static enum spira_code fake_plan_new(void *self, size_t n, size_t batch, void **ret_plan,
                                     struct spira_error *err)
{
    (void)self, (void)err;
    struct fake_plan *plan = spira_alloc(1, sizeof *plan);
    *plan = (struct fake_plan){n, batch, spira_alloc(n, sizeof(double)),
                               spira_alloc(n, sizeof(double))};
    for (size_t j = 0; j < n; j++) {
        plan->cosines[j] = cos(2 * M_PI * (double)j / (double)n);
        plan->sines[j] = sin(2 * M_PI * (double)j / (double)n);
    }
    *ret_plan = plan;
    return SPIRA_OK;
}

/* Spoils x, as the port allows. */
static void fake_execute(const void *opaque, float *x, float *ret_spectrum)
{
    const struct fake_plan *plan = opaque;
    size_t n = plan->n, bins = n / 2 + 1;
    for (size_t b = 0; b < plan->batch; b++)
        for (size_t k = 0; k < bins; k++) {
            double re = 0, im = 0;
            for (size_t j = 0; j < n; j++) {
                re += (double)x[b * n + j] * plan->cosines[j * k % n];
                im -= (double)x[b * n + j] * plan->sines[j * k % n];
            }
            ret_spectrum[2 * (b * bins + k)] = (float)re;
            ret_spectrum[2 * (b * bins + k) + 1] = (float)im;
        }
    for (size_t i = 0; i < n * plan->batch; i++)
        x[i] = NAN;
}

static void fake_plan_free(void *opaque)
{
    struct fake_plan *plan = opaque;
    if (plan) {
        free(plan->cosines);
        free(plan->sines);
    }
    free(plan);
}

static inline struct spira_fourier fourier_fake(void)
{
    static const struct spira_fourier_ops ops = {fake_plan_new, fake_execute, fake_plan_free};
    return (struct spira_fourier){.ops = &ops};
}

#endif
