/* A loop over independent pieces on several threads. */
#ifndef SPIRA_CORE_BASE_PARALLEL_H
#define SPIRA_CORE_BASE_PARALLEL_H

#include <stddef.h>

/* Does piece index; thread is below the count of threads and names a workspace. Must not write what
 * another piece reads or writes. */
typedef void spira_piece(void *context, size_t index, size_t thread);

/* Calls piece once for each index in [0, count), in any order, on up to threads threads (at least
 * 1), and returns when all are done. What a piece computes may depend on its index alone, never on
 * its thread: then results are the same bytes for any count of threads. In a piece denormal numbers
 * are 0. */
void spira_parallel(size_t count, size_t threads, spira_piece *piece, void *context);

#endif
