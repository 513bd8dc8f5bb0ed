/* The event_bus port with failures played by a script. */
#ifndef SPIRA_ADAPTERS_FLAKY_EVENT_BUS_FLAKY_H
#define SPIRA_ADAPTERS_FLAKY_EVENT_BUS_FLAKY_H

#include "adapters/flaky/flaky_script.h"
#include "core/ports/event_bus.h"

/* Takes inner; ending the flaky one ends it too. Keeps scripts. Its consumers play the same scripts
 * (poll, commit). */
struct spira_event_bus spira_event_bus_flaky(struct spira_event_bus inner,
                                             struct spira_flaky_script *scripts, size_t count);

#endif
