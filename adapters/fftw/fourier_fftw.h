/* The fourier port by FFTW, single precision. */
#ifndef SPIRA_ADAPTERS_FFTW_FOURIER_FFTW_H
#define SPIRA_ADAPTERS_FFTW_FOURIER_FFTW_H

#include "core/ports/fourier.h"

/* Stateless: nothing to close. Any thread. Plans are FFTW's estimates, never measured: which plan
 * is chosen depends on n and batch alone, and so do the bits. */
struct spira_fourier spira_fourier_fftw(void);

#endif
