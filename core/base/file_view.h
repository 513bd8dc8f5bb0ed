/* A part of a file, mapped for reading: memory that the kernel fills from the file and may take
 * back at any time. */
#ifndef SPIRA_CORE_BASE_FILE_VIEW_H
#define SPIRA_CORE_BASE_FILE_VIEW_H

#include "core/base/memory.h"

struct spira_file_view {
    const void *data; /* size bytes, as aligned as their place in the file is */
    void *pages;
    size_t pages_size;
};

/* Maps size (not 0) bytes of the file from offset on and waits until they are read, so that nobody
 * waits for them later. The file must not be cut while the view is open. SPIRA_ENOTFOUND; SPIRA_EIO
 * also when the file ends before them; SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_file_view_open(const char *path, size_t offset, size_t size,
                                                    struct spira_file_view *ret_view,
                                                    struct spira_error *err);

/* For SPIRA_CLEANUP; a zeroed view is fine. */
void spira_file_view_done(struct spira_file_view *view);

#endif
