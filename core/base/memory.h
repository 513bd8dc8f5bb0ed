/* Allocation and cleanup.
 *
 * Small allocations, whose size our own code decides, cannot fail here: a process that cannot get a
 * kilobyte stops with one line on stderr, and its supervisor starts it again (in the fleet a step
 * computes in a child, so the worker survives). Allocations whose size outside data decides go
 * through spira_big_alloc, which refuses with a message. */
#ifndef SPIRA_CORE_BASE_MEMORY_H
#define SPIRA_CORE_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* The line of a process that stops because there is no kilobyte left. */
#define SPIRA_OUT_OF_MEMORY "spira: out of memory"

/* Says that line and stops the process: for who cannot go on without memory and has no caller to
 * say so to. */
_Noreturn void spira_out_of_memory(void);

/* Runs done(&variable) when the variable leaves its scope. */
#define SPIRA_CLEANUP(done) __attribute__((cleanup(done)))

/* Zeroed memory for count objects of size bytes; never NULL. Free with free(). */
void *spira_alloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* Grows an array from spira_alloc; the new part is not zeroed. Never NULL. */
void *spira_realloc(void *array, size_t count, size_t size) __attribute__((returns_nonnull));
/* A copy of text; NULL gives NULL. Free with free(). */
char *spira_copy_text(const char *text);
/* Formatted text; never NULL. Free with free(). */
char *spira_format(const char *format, ...) SPIRA_PRINTF(1, 2) __attribute__((returns_nonnull));

/* Fills ret_memory with count * size zeroed bytes aligned to 64. SPIRA_ENOMEMORY names what and the
 * size; an overflow is the same. Free with free(). */
SPIRA_MUST_USE enum spira_code spira_big_alloc(void *ret_memory, size_t count, size_t size,
                                               const char *what, struct spira_error *err);

/* Cleanups for SPIRA_CLEANUP: each takes the address of the variable. NULL inside is fine. */
void spira_free_at(void *pointer_address); /* any pointer from malloc */
void spira_fclose_at(void *file_address);  /* FILE * */
void spira_close_at(int *descriptor);      /* file descriptor, -1 is nothing */

/* Bytes somebody read or made; gives: done frees. */
struct spira_bytes {
    void *data;
    size_t size;
};
void spira_bytes_done(struct spira_bytes *bytes);

#endif
