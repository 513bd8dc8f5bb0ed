#include <criterion/criterion.h>
#include <float.h>

#include "core/base/parallel.h"

struct work {
    int done[1000];
    size_t threads;
};

static void piece(void *context, size_t index, size_t thread)
{
    struct work *work = context;
    cr_assert_lt(thread, work->threads);
    work->done[index]++;
}

Test(parallel, every_piece_is_done_once_for_any_count_of_threads)
{
    for (size_t threads = 1; threads <= 8; threads++) {
        struct work work = {.threads = threads};
        spira_parallel(1000, threads, piece, &work);
        for (size_t i = 0; i < 1000; i++)
            cr_assert_eq(work.done[i], 1);
    }
}

struct halves {
    volatile float smallest;
    float half[16];
};

static void halve(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct halves *halves = context;
    halves->half[index] = halves->smallest / 2;
}

Test(parallel, denormal_numbers_are_0_in_a_piece_and_nowhere_else)
{
    for (size_t threads = 1; threads <= 4; threads++) {
        struct halves halves = {.smallest = FLT_MIN};
        spira_parallel(16, threads, halve, &halves);
        for (size_t i = 0; i < 16; i++)
            cr_assert_eq(halves.half[i], 0);
        cr_assert_gt(halves.smallest / 2, 0);
    }
}
