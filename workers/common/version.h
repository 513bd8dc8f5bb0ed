/* Which build this is. */
#ifndef SPIRA_WORKERS_COMMON_VERSION_H
#define SPIRA_WORKERS_COMMON_VERSION_H

#include "core/base/value.h"

/* "0.1.0"; static text. */
const char *spira_version(void);

/* Gives {"version","commit","compiler","libraries":{name: version}}; freed by the caller. */
struct spira_value *spira_version_facts(void);

#endif
