/* Objects in this process's memory: for tests, and as the plainest reading of the port. */
#ifndef SPIRA_ADAPTERS_MEMORY_OBJECT_STORE_MEMORY_H
#define SPIRA_ADAPTERS_MEMORY_OBJECT_STORE_MEMORY_H

#include "core/ports/object_store.h"

/* An empty store; it ends with spira_object_store_done. Keeps digest (what swap compares by). */
struct spira_object_store spira_object_store_memory(struct spira_digest digest);

#endif
