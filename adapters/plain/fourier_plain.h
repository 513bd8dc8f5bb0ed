/* The fourier port in plain C, with no library. */
#ifndef SPIRA_ADAPTERS_PLAIN_FOURIER_PLAIN_H
#define SPIRA_ADAPTERS_PLAIN_FOURIER_PLAIN_H

#include "core/ports/fourier.h"

/* Stateless: nothing to close. Any thread. Any n, in time n times the sum of its prime factors;
 * computed in double, rounded once. */
struct spira_fourier spira_fourier_plain(void);

#endif
