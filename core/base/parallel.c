#include "core/base/parallel.h"

#include <omp.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

/* Numbers below the smallest normal one are taken for 0 from here on; returns what was before. They
 * slow a processor down by a factor, and come up where gradients vanish. */
static unsigned flush_denormals(void)
{
#ifdef __SSE2__
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | _MM_FLUSH_ZERO_ON | 0x40 /* and when they are read */);
    return before;
#else
    return 0;
#endif
}

static void restore_denormals(unsigned before)
{
#ifdef __SSE2__
    _mm_setcsr(before);
#else
    (void)before;
#endif
}

static void run_piece(size_t index, size_t thread, spira_piece *piece, void *context)
{
    unsigned before = flush_denormals();
    piece(context, index, thread);
    restore_denormals(before);
}

void spira_parallel(size_t count, size_t threads, spira_piece *piece, void *context)
{
    if (threads > count)
        threads = count;
    if (threads <= 1) {
        for (size_t i = 0; i < count; i++)
            run_piece(i, 0, piece, context);
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads((int)threads)
    for (size_t i = 0; i < count; i++)
        run_piece(i, (size_t)omp_get_thread_num(), piece, context);
}
