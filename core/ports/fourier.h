/* Port: discrete Fourier transforms of real signals. Adapters: adapters/fftw, adapters/plain. */
#ifndef SPIRA_CORE_PORTS_FOURIER_H
#define SPIRA_CORE_PORTS_FOURIER_H

#include "core/base/memory.h"

struct spira_fourier_ops {
    /* A plan for batch real transforms of n points each. Gives ret_plan. Plans never depend on
     * timing: the same n and batch give the same bits in every process. Any thread. */
    enum spira_code (*plan)(void *self, size_t n, size_t batch, void **ret_plan,
                            struct spira_error *err);
    /* X(b,k) = sum over j of x(b,j) exp(-2 pi i j k / n), k in [0, n/2].
     * x (batch, n) borrows, may be overwritten; ret_spectrum (batch, n/2+1) interleaved (re, im)
     * fills. Both from spira_big_alloc (64-byte aligned). One plan serves any number of threads at
     * once. */
    void (*execute)(const void *plan, float *x, float *ret_spectrum);
    void (*plan_free)(void *plan); /* NULL is fine */
};

struct spira_fourier {
    const struct spira_fourier_ops *ops;
    void *self;
};

#endif
