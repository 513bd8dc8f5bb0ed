#include "core/base/parallel.h"

#include <omp.h>

void spira_parallel(size_t count, size_t threads, spira_piece *piece, void *context)
{
    if (threads > count)
        threads = count;
    if (threads <= 1) {
        for (size_t i = 0; i < count; i++)
            piece(context, i, 0);
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads((int)threads)
    for (size_t i = 0; i < count; i++)
        piece(context, i, (size_t)omp_get_thread_num());
}
