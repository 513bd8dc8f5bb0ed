/* The system's clock. */
#ifndef SPIRA_ADAPTERS_POSIX_CLOCK_POSIX_H
#define SPIRA_ADAPTERS_POSIX_CLOCK_POSIX_H

#include "core/ports/clock.h"

/* Holds nothing: any number of copies, any thread, nothing to free. */
struct spira_clock spira_clock_posix(void);

#endif
