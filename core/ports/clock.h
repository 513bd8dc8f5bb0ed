/* Port: what time it is, and waiting. Adapters: adapters/posix, adapters/memory (set by a test). */
#ifndef SPIRA_CORE_PORTS_CLOCK_H
#define SPIRA_CORE_PORTS_CLOCK_H

#include <stdint.h>

struct spira_clock_ops {
    int64_t (*now_ms)(void *self);       /* since the epoch, UTC */
    int64_t (*monotonic_ms)(void *self); /* never goes back; its zero means nothing */
    void (*sleep_ms)(void *self, int64_t milliseconds); /* may wake early on a signal */
};

/* Safe for any number of threads. */
struct spira_clock {
    const struct spira_clock_ops *ops;
    void *self;
};

static inline int64_t spira_clock_now_ms(struct spira_clock clock)
{
    return clock.ops->now_ms(clock.self);
}

static inline int64_t spira_clock_monotonic_ms(struct spira_clock clock)
{
    return clock.ops->monotonic_ms(clock.self);
}

static inline void spira_clock_sleep_ms(struct spira_clock clock, int64_t milliseconds)
{
    clock.ops->sleep_ms(clock.self, milliseconds);
}

#endif
