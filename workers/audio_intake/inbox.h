/* The folder where a data-collection system leaves recordings. */
#ifndef SPIRA_WORKERS_AUDIO_INTAKE_INBOX_H
#define SPIRA_WORKERS_AUDIO_INTAKE_INBOX_H

#include <stdint.h>

#include "core/base/memory.h"

/* Copies the file uri names below the folder inbox to path, so that it cannot change while it is
 * examined. Never leaves the folder, whatever uri says. SPIRA_ENOTFOUND: no such file.
 * SPIRA_EINVALID: uri leads out of the folder, or to something that is no regular file.
 * SPIRA_ETOOBIG: above max_bytes. SPIRA_EIO. */
SPIRA_MUST_USE enum spira_code spira_inbox_copy(const char *inbox, const char *uri,
                                                uint64_t max_bytes, const char *path,
                                                struct spira_error *err);

#endif
