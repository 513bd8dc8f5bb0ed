#include "adapters/fftw/fourier_fftw.h"

#include <fftw3.h>
#include <limits.h>
#include <pthread.h>

/* FFTW's planner has one global state; executing a plan needs no lock. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

static fftwf_plan make_plan(size_t n, size_t batch, float *x, float *spectrum)
{
    int length = (int)n, bins = length / 2 + 1;
    pthread_mutex_lock(&planner);
    fftwf_plan plan =
        fftwf_plan_many_dft_r2c(1, &length, (int)batch, x, NULL, 1, length,
                                (fftwf_complex *)spectrum, NULL, 1, bins, FFTW_ESTIMATE);
    pthread_mutex_unlock(&planner);
    return plan;
}

static enum spira_code plan_new(void *self, size_t n, size_t batch, void **ret_plan,
                                struct spira_error *err)
{
    (void)self;
    if (n < 1 || n > INT_MAX / 2 || batch < 1 || batch > INT_MAX)
        return spira_fail(err, SPIRA_EINVALID, "no transform of %zu points, %zu at a time", n,
                          batch);
    /* Planned on memory aligned as every later call's. An estimate does not touch it. */
    SPIRA_CLEANUP(spira_free_at)
    float *x = NULL;
    SPIRA_CLEANUP(spira_free_at)
    float *spectrum = NULL;
    enum spira_code code = spira_big_alloc(&x, batch * n, sizeof(float), "a transform", err);
    if (code == SPIRA_OK)
        code =
            spira_big_alloc(&spectrum, batch * (n / 2 + 1), 2 * sizeof(float), "a transform", err);
    if (code != SPIRA_OK)
        return code;
    fftwf_plan plan = make_plan(n, batch, x, spectrum);
    if (!plan)
        return spira_fail(err, SPIRA_EINVALID, "FFTW has no plan for %zu points, %zu at a time", n,
                          batch);
    *ret_plan = plan;
    return SPIRA_OK;
}

static void plan_execute(const void *plan, float *x, float *ret_spectrum)
{
    fftwf_execute_dft_r2c((const fftwf_plan)plan, x, (fftwf_complex *)ret_spectrum);
}

static void plan_free(void *plan)
{
    if (!plan)
        return;
    pthread_mutex_lock(&planner);
    fftwf_destroy_plan(plan);
    pthread_mutex_unlock(&planner);
}

struct spira_fourier spira_fourier_fftw(void)
{
    static const struct spira_fourier_ops ops = {
        .plan = plan_new,
        .execute = plan_execute,
        .plan_free = plan_free,
    };
    return (struct spira_fourier){.ops = &ops};
}
