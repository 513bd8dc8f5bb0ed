#include "adapters/memory/clock_memory.h"

#include <assert.h>

static int64_t now_ms(void *self)
{
    struct spira_clock_memory *clock = self;
    return atomic_load(&clock->now_ms);
}

static int64_t monotonic_ms(void *self)
{
    struct spira_clock_memory *clock = self;
    return atomic_load(&clock->monotonic_ms);
}

static void sleep_ms(void *self, int64_t milliseconds)
{
    spira_clock_memory_advance(self, milliseconds > 0 ? milliseconds : 0);
}

struct spira_clock spira_clock_memory_init(struct spira_clock_memory *clock, int64_t start_ms)
{
    static const struct spira_clock_ops ops = {
        .now_ms = now_ms, .monotonic_ms = monotonic_ms, .sleep_ms = sleep_ms};
    atomic_init(&clock->now_ms, start_ms);
    atomic_init(&clock->monotonic_ms, 0);
    return (struct spira_clock){.ops = &ops, .self = clock};
}

void spira_clock_memory_set(struct spira_clock_memory *clock, int64_t new_ms)
{
    atomic_store(&clock->now_ms, new_ms);
}

void spira_clock_memory_advance(struct spira_clock_memory *clock, int64_t milliseconds)
{
    assert(milliseconds >= 0);
    atomic_fetch_add(&clock->now_ms, milliseconds);
    atomic_fetch_add(&clock->monotonic_ms, milliseconds);
}
