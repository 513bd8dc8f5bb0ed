/* A folder as inbox: a uri is a path below it. Links that lead out of it are refused, whoever put
 * them there. */
#ifndef SPIRA_ADAPTERS_FILESYSTEM_INBOX_FILESYSTEM_H
#define SPIRA_ADAPTERS_FILESYSTEM_INBOX_FILESYSTEM_H

#include "core/ports/inbox.h"

/* Gives ret_inbox, ended by spira_inbox_done. Borrows folder. SPIRA_ENOTFOUND, SPIRA_EIO: there is
 * no such folder, or it cannot be opened. */
SPIRA_MUST_USE enum spira_code
spira_inbox_filesystem(const char *folder, struct spira_inbox *ret_inbox, struct spira_error *err);

#endif
