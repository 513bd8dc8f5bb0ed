/* Topics in this process's memory, with Kafka's semantics: for tests, and for a whole pipeline in
 * one process. What it holds is gone when it is closed. */
#ifndef SPIRA_ADAPTERS_MEMORY_EVENT_BUS_MEMORY_H
#define SPIRA_ADAPTERS_MEMORY_EVENT_BUS_MEMORY_H

#include "core/ports/clock.h"
#include "core/ports/event_bus.h"

/* A bus without topics; it ends with spira_event_bus_done. Keeps clock, which stamps the messages;
 * a poll waits by the system's time. Key to partition as Kafka's Java tools do. A group divides
 * each topic among its members in the order in which they joined; a partition passes from one
 * member to another when the first polls or closes, and every member of a group that changed begins
 * again behind what is committed. */
struct spira_event_bus spira_event_bus_memory(struct spira_clock clock);

#endif
