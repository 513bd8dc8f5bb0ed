/* Inside the filesystem store: files while they have no name yet, and their bytes. Everything
 * answers like a system call: 0, or -1 with errno. */
#ifndef SPIRA_ADAPTERS_FILESYSTEM_STORE_FILE_H
#define SPIRA_ADAPTERS_FILESYSTEM_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* A new read-only file (mode 0444) that nobody sees yet; fd can be written and read. */
struct store_temporary {
    int folder_fd;
    int fd;
    char name[32]; /* its temporary name; "" where the file system can do without */
};

/* Keeps folder_fd. named: a temporary name even where none is needed, so that replace works. */
int spira_store_file_begin(int folder_fd, bool named, struct store_temporary *ret_temporary);
/* For SPIRA_CLEANUP: what was not published vanishes. fd -1 is nothing. */
void spira_store_file_done(struct store_temporary *temporary);

/* Writes all of the bytes; copies all of source into target, which is empty. */
int spira_store_file_write(int fd, const void *data, size_t size);
int spira_store_file_copy(int source, int target);
/* Reads size bytes from the beginning; fewer (the file was cut meanwhile) is EIO. */
int spira_store_file_read(int fd, void *data, size_t size);
/* 1 when the file holds the same bytes as the other, or just these; 0 when not. */
int spira_store_file_same(int fd, int other);
int spira_store_file_holds(int fd, const void *data, size_t size);

/* Gives the temporary its name, durably: the file is synced before, the folder after. EEXIST: the
 * name is taken. */
int spira_store_file_publish(struct store_temporary *temporary, const char *name);
/* The same, in place of whatever has the name. The temporary is a named one. */
int spira_store_file_replace(struct store_temporary *temporary, const char *name);

#endif
