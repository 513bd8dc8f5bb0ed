/* What every clock does. */
#include "adapters/memory/clock_memory.h"
#include "adapters/posix/clock_posix.h"
#include "tests/contract/contract.h"

struct clock_case {
    struct spira_clock clock;
    struct spira_clock_memory memory;
};

static void open_memory(struct clock_case *subject)
{
    subject->clock = spira_clock_memory_init(&subject->memory, 1700000000000);
}

static void open_posix(struct clock_case *subject)
{
    subject->clock = spira_clock_posix();
}

static void clock_close(struct clock_case *subject)
{
    (void)subject;
}

CONTRACT_ADAPTERS(clock, {"memory", open_memory}, {"posix", open_posix})

CONTRACT(clock, it_tells_a_time_of_this_century)
{
    int64_t now = spira_clock_now_ms(subject->clock);
    cr_assert(now > 1600000000000 && now < 4102444800000, "%jd", (intmax_t)now);
}

CONTRACT(clock, sleeping_takes_as_long_as_it_says)
{
    int64_t before = spira_clock_monotonic_ms(subject->clock);
    spira_clock_sleep_ms(subject->clock, 1020);
    int64_t after = spira_clock_monotonic_ms(subject->clock);
    cr_assert(after - before >= 1020 && after - before < 10000, "%jd", (intmax_t)(after - before));
    spira_clock_sleep_ms(subject->clock, 0);
    spira_clock_sleep_ms(subject->clock, -5);
    cr_assert(spira_clock_monotonic_ms(subject->clock) - after < 1000);
}
