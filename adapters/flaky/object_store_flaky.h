/* The object_store port with failures played by a script. */
#ifndef SPIRA_ADAPTERS_FLAKY_OBJECT_STORE_FLAKY_H
#define SPIRA_ADAPTERS_FLAKY_OBJECT_STORE_FLAKY_H

#include "adapters/flaky/flaky_script.h"
#include "core/ports/object_store.h"

/* Takes inner; ending the flaky one ends it too. Keeps scripts. */
struct spira_object_store spira_object_store_flaky(struct spira_object_store inner,
                                                   struct spira_flaky_script *scripts,
                                                   size_t count);

#endif
