/* One at a time over a store. */
#ifndef SPIRA_ADAPTERS_FILESYSTEM_STORE_LOCK_H
#define SPIRA_ADAPTERS_FILESYSTEM_STORE_LOCK_H

#include <stdbool.h>

#include "core/base/memory.h"

/* Takes the lock of the store in root (an flock on <root>/.lock; root is made when it is not
 * there). Gives ret_fd: the lock lasts until it is closed or its process dies. wait: until it is
 * free, or a signal comes (SPIRA_EINTERRUPTED); else SPIRA_ECONFLICT when another holds it. */
SPIRA_MUST_USE enum spira_code spira_filesystem_lock(const char *root, bool wait, int *ret_fd,
                                                     struct spira_error *err);

#endif
