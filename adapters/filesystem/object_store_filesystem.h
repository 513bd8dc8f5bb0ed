/* Objects as files below a folder: an object's key is its path there.
 *
 * A put is durable when it returns and atomic at any instant: the bytes are written to a nameless
 * file (O_TMPFILE), synced, and then linked under their name. Where the file system has no nameless
 * files the temporary name is ".tmp-..."; a killed process may leave one of these behind. Names
 * that begin with '.' are never objects. No symbolic link below the root is followed. */
#ifndef SPIRA_ADAPTERS_FILESYSTEM_OBJECT_STORE_FILESYSTEM_H
#define SPIRA_ADAPTERS_FILESYSTEM_OBJECT_STORE_FILESYSTEM_H

#include "core/ports/object_store.h"

/* Opens the store in the folder root, which is made when it is not there. Gives ret_store, ended by
 * spira_object_store_done. Borrows root; keeps digest (what swap compares by). SPIRA_EIO: the
 * folder cannot be made or opened. */
SPIRA_MUST_USE enum spira_code spira_object_store_filesystem(const char *root,
                                                             struct spira_digest digest,
                                                             struct spira_object_store *ret_store,
                                                             struct spira_error *err);

/* The store in a folder that somebody else provides, as by mounting it: nothing makes it here. It
 * is opened by the first call that needs it; until it is there, calls fail with SPIRA_EUNREACHABLE.
 * A probe notices when another folder has the name by then (a mount that came late or came back),
 * says so once with SPIRA_EUNREACHABLE, and the store goes on in that one. Borrows root; keeps
 * digest. Ended by spira_object_store_done. */
struct spira_object_store spira_object_store_mounted(const char *root, struct spira_digest digest);

#endif
