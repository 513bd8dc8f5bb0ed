/* A clock that stands still until a test moves it; sleeping moves it. */
#ifndef SPIRA_ADAPTERS_MEMORY_CLOCK_MEMORY_H
#define SPIRA_ADAPTERS_MEMORY_CLOCK_MEMORY_H

#include <stdatomic.h>

#include "core/ports/clock.h"

/* The caller's storage; touched only through the functions below. */
struct spira_clock_memory {
    _Atomic int64_t now_ms;
    _Atomic int64_t monotonic_ms;
};

/* Starts the clock at now_ms. Keeps clock. */
struct spira_clock spira_clock_memory_init(struct spira_clock_memory *clock, int64_t now_ms);

/* Sets what time it is, as an operator would: the monotonic time does not move. Any thread. */
void spira_clock_memory_set(struct spira_clock_memory *clock, int64_t now_ms);

/* Lets milliseconds (at least 0) go by. Any thread. */
void spira_clock_memory_advance(struct spira_clock_memory *clock, int64_t milliseconds);

#endif
