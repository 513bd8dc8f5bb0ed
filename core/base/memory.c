#include "core/base/memory.h"
#include <sys/mman.h>

#include <stdlib.h>
#include <unistd.h>

void spira_out_of_memory(void)
{
    static const char line[] = SPIRA_OUT_OF_MEMORY "\n";
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    abort();
}

void *spira_alloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        spira_out_of_memory();
    return memory;
}

void *spira_realloc(void *array, size_t count, size_t size)
{
    void *memory = reallocarray(array, count ? count : 1, size ? size : 1);
    if (!memory)
        spira_out_of_memory();
    return memory;
}

char *spira_copy_text(const char *text)
{
    if (!text)
        return NULL;
    char *copy = strdup(text);
    if (!copy)
        spira_out_of_memory();
    return copy;
}

char *spira_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        spira_out_of_memory();
    return text;
}

/* What is walked through from end to end again and again is large pages to the processor. */
enum { HUGE_PAGE = 1 << 21, HUGE_FROM = 2 * HUGE_PAGE };

enum spira_code spira_big_alloc(void *ret_memory, size_t count, size_t size, const char *what,
                                struct spira_error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count ? count : 1, size, &bytes) || bytes > SIZE_MAX - HUGE_PAGE)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: %zu times %zu bytes is too much", what, count,
                          size);
    bytes = (bytes + 63) / 64 * 64;
    size_t alignment = bytes < HUGE_FROM ? 64 : HUGE_PAGE;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (!memory)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for %zu bytes", what, bytes);
    if (alignment == HUGE_PAGE)
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* else it is slower, by some hundredths */
    memset(memory, 0, bytes);
    memcpy(ret_memory, &memory, sizeof memory);
    return SPIRA_OK;
}

void spira_free_at(void *pointer_address)
{
    void *pointer;
    memcpy(&pointer, pointer_address, sizeof pointer);
    free(pointer);
}

void spira_fclose_at(void *file_address)
{
    FILE *file;
    memcpy(&file, file_address, sizeof(file));
    if (file)
        fclose(file);
}

void spira_close_at(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

void spira_bytes_done(struct spira_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct spira_bytes){0};
}
