#include <criterion/criterion.h>

#include "adapters/memory/clock_memory.h"
#include "adapters/memory/event_bus_memory.h"
#include "adapters/memory/run_state_memory.h"

Test(memory_clock, it_moves_when_it_is_told_to)
{
    struct spira_clock_memory memory;
    struct spira_clock clock = spira_clock_memory_init(&memory, 1000);
    int64_t start = spira_clock_monotonic_ms(clock);
    cr_assert_eq(spira_clock_now_ms(clock), 1000);
    spira_clock_memory_advance(&memory, 5);
    spira_clock_sleep_ms(clock, 20);
    cr_assert_eq(spira_clock_now_ms(clock), 1025);
    cr_assert_eq(spira_clock_monotonic_ms(clock) - start, 25);
    spira_clock_memory_set(&memory, 7);
    cr_assert_eq(spira_clock_now_ms(clock), 7);
    cr_assert_eq(spira_clock_monotonic_ms(clock) - start, 25);
}

Test(memory_clock, messages_bear_its_time)
{
    struct spira_error err;
    struct spira_clock_memory memory;
    SPIRA_CLEANUP(spira_event_bus_done)
    struct spira_event_bus bus = spira_event_bus_memory(spira_clock_memory_init(&memory, 5000));
    cr_assert_eq(spira_bus_ensure_topic(bus, "t", 1, &err), SPIRA_OK);
    struct spira_message message = {.topic = "t", .key = "k", .value = "x", .size = 1};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(spira_bus_send(bus, &message, &err), SPIRA_OK);
        spira_clock_memory_advance(&memory, 10);
    }
    int64_t offset = -1;
    cr_assert_eq(spira_bus_offset_at(bus, "t", 0, 5010, &offset, &err), SPIRA_OK);
    cr_assert_eq(offset, 1);
    cr_assert_eq(spira_bus_offset_at(bus, "t", 0, 5011, &offset, &err), SPIRA_OK);
    cr_assert_eq(offset, 2);
}

Test(memory_clock, progress_expires_at_its_time_whatever_the_wall_says)
{
    struct spira_error err;
    struct spira_clock_memory memory;
    SPIRA_CLEANUP(spira_run_state_done)
    struct spira_run_state state = spira_run_state_memory(spira_clock_memory_init(&memory, 5000));
    cr_assert_eq(spira_state_put_progress(state, "r", "s", "x", 100, &err), SPIRA_OK);
    spira_clock_memory_set(&memory, 900000);
    for (size_t expected = 1;; expected--) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *progress = NULL;
        spira_clock_memory_advance(&memory, expected ? 99 : 1);
        cr_assert_eq(spira_state_progress(state, "r", &progress, &err), SPIRA_OK);
        cr_assert_eq(spira_value_count(progress), expected);
        if (expected == 0)
            break;
    }
}
