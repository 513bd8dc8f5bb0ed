/* What the fuzz targets share. Each target is one file with the function libFuzzer calls. */
#ifndef SPIRA_TESTS_FUZZ_FUZZ_H
#define SPIRA_TESTS_FUZZ_FUZZ_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/error.h"

/* Does something with the bytes; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A path under which the bytes can be opened as a file, until the next call. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    int failed = ftruncate(fd, 0);
    ssize_t written = pwrite(fd, data, size, 0);
    assert(!failed && written == (ssize_t)size);
    return path;
}

/* A refusal must come with its message. */
static inline void fuzz_refused(enum spira_code code, const struct spira_error *err)
{
    assert(err->code == code && err->message[0] != '\0');
}

#endif
