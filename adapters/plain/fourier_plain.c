#include "adapters/plain/fourier_plain.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

struct plain_plan {
    size_t n, batch;
    double complex *turns; /* (n): exp(-2 pi i j / n) */
};

static enum spira_code plan_new(void *self, size_t n, size_t batch, void **ret_plan,
                                struct spira_error *err)
{
    (void)self;
    if (n < 1 || batch < 1)
        return spira_fail(err, SPIRA_EINVALID, "no transform of %zu points, %zu at a time", n,
                          batch);
    struct plain_plan *plan = spira_alloc(1, sizeof *plan);
    enum spira_code code =
        spira_big_alloc(&plan->turns, n, sizeof *plan->turns, "a transform", err);
    if (code != SPIRA_OK) {
        free(plan);
        return code;
    }
    plan->n = n;
    plan->batch = batch;
    for (size_t j = 0; j < n; j++) {
        double angle = -2 * M_PI * (double)j / (double)n;
        plan->turns[j] = cos(angle) + sin(angle) * (double complex)I;
    }
    *ret_plan = plan;
    return SPIRA_OK;
}

static size_t smallest_factor(size_t n)
{
    for (size_t factor = 2; factor * factor <= n; factor++)
        if (n % factor == 0)
            return factor;
    return n;
}

/* Cooley and Tukey, 1965, for any factor p: with m = n / p, the transform of x(0), x(stride), ...
 * is X(k) = sum over r < p of exp(-2 pi i r k / n) X_r(k mod m), X_r the transform of every p-th
 * element from element r on. X (n) fills, scratch (n) is used. */
static void transform(double complex *X, const float *x, size_t n, size_t stride,
                      double complex *scratch, const struct plain_plan *plan)
{
    if (n == 1) {
        X[0] = (double)x[0];
        return;
    }
    size_t p = smallest_factor(n), m = n / p;
    for (size_t r = 0; r < p; r++)
        transform(scratch + r * m, x + r * stride, m, stride * p, X + r * m, plan);
    for (size_t k = 0; k < n; k++) {
        double complex sum = 0;
        for (size_t r = 0; r < p; r++)
            sum += plan->turns[r * k % n * stride] * scratch[r * m + k % m];
        X[k] = sum;
    }
}

static void plan_execute(const void *opaque, float *x, float *ret_spectrum)
{
    const struct plain_plan *plan = opaque;
    size_t n = plan->n, bins = n / 2 + 1;
    /* The caller's own, so that one plan serves many threads. */
    double complex *X = spira_alloc(2 * n, sizeof *X);
    for (size_t b = 0; b < plan->batch; b++) {
        transform(X, x + b * n, n, 1, X + n, plan);
        for (size_t k = 0; k < bins; k++) {
            ret_spectrum[2 * (b * bins + k)] = (float)creal(X[k]);
            ret_spectrum[2 * (b * bins + k) + 1] = (float)cimag(X[k]);
        }
    }
    free(X);
}

static void plan_free(void *opaque)
{
    struct plain_plan *plan = opaque;
    if (!plan)
        return;
    free(plan->turns);
    free(plan);
}

struct spira_fourier spira_fourier_plain(void)
{
    static const struct spira_fourier_ops ops = {
        .plan = plan_new,
        .execute = plan_execute,
        .plan_free = plan_free,
    };
    return (struct spira_fourier){.ops = &ops};
}
