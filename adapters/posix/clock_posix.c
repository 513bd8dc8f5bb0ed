#include "adapters/posix/clock_posix.h"

static int64_t read_ms(clockid_t which)
{
    struct timespec time;
    clock_gettime(which, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t now_ms(void *self)
{
    (void)self;
    return read_ms(CLOCK_REALTIME);
}

static int64_t monotonic_ms(void *self)
{
    (void)self;
    return read_ms(CLOCK_MONOTONIC);
}

static void sleep_ms(void *self, int64_t milliseconds)
{
    (void)self;
    if (milliseconds <= 0)
        return;
    struct timespec time = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

struct spira_clock spira_clock_posix(void)
{
    static const struct spira_clock_ops ops = {
        .now_ms = now_ms, .monotonic_ms = monotonic_ms, .sleep_ms = sleep_ms};
    return (struct spira_clock){.ops = &ops};
}
