/* Files and folders of this machine: what steps read and write. */
#ifndef SPIRA_CORE_BASE_FILE_H
#define SPIRA_CORE_BASE_FILE_H

#include <stdio.h>

#include "core/base/memory.h"

/* Gives the whole file with a zero byte after its end (not counted). SPIRA_ENOTFOUND, SPIRA_EIO,
 * and SPIRA_ETOOBIG when it holds more than max_bytes. */
SPIRA_MUST_USE enum spira_code spira_file_read(const char *path, size_t max_bytes,
                                               struct spira_bytes *ret_bytes,
                                               struct spira_error *err);

/* Writes path whole or not at all (a temporary name beside it, fsync, rename); an older file is
 * replaced. */
SPIRA_MUST_USE enum spira_code spira_file_write(const char *path, const void *data, size_t size,
                                                struct spira_error *err);

/* The same for what put writes to out, so that a large text need not be held. put need not look
 * at whether that works; any code of its own but SPIRA_OK leaves path as it was. */
typedef enum spira_code spira_file_writer(void *context, FILE *out, struct spira_error *err);
SPIRA_MUST_USE enum spira_code spira_file_write_by(const char *path, spira_file_writer *put,
                                                   void *context, struct spira_error *err);

/* Opens a new file in folder, to be read and written, that has no name: it is gone when it is
 * closed, however that comes. Gives ret_fd. SPIRA_ENOTFOUND, SPIRA_EIO. */
SPIRA_MUST_USE enum spira_code spira_file_open_nameless(const char *folder, int *ret_fd,
                                                        struct spira_error *err);

/* Makes the folder and its parents; one that is there is fine. */
SPIRA_MUST_USE enum spira_code spira_folder_make(const char *path, struct spira_error *err);

/* Removes a file or a folder with all below it, never following a link; none there is fine. */
SPIRA_MUST_USE enum spira_code spira_tree_remove(const char *path, struct spira_error *err);

#endif
