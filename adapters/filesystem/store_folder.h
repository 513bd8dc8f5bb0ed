/* Inside the filesystem store: reaching files and folders below the root and never outside it.
 * Everything answers like a system call: a descriptor or 0, or -1 with errno. */
#ifndef SPIRA_ADAPTERS_FILESYSTEM_STORE_FOLDER_H
#define SPIRA_ADAPTERS_FILESYSTEM_STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens a path below the root ("" is the root itself). A symbolic link anywhere on it is ELOOP. */
int spira_store_folder_open_path(int root_fd, const char *path, int flags);

/* Opens the folder that holds key; make: makes it and its parents, each synced into its own. */
int spira_store_folder_open(int root_fd, const char *key, bool make);

/* The last part of a key; borrowed from it. */
const char *spira_store_folder_name(const char *key);

struct store_entry {
    char *key;
    uint64_t size;
};

struct store_listing {
    struct store_entry *entries;
    size_t count;
};

/* Fills listing with the objects whose key begins with prefix (a valid one), in the order of their
 * bytes; freed with done. */
int spira_store_folder_list(int root_fd, const char *prefix, struct store_listing *listing);
void spira_store_folder_list_done(struct store_listing *listing);

#endif
