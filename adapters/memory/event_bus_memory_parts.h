/* Inside the memory bus: a log (topics, partitions, messages) and the consumer groups that read it.
 * Everything here is called with the bus's lock held, unless it says otherwise. */
#ifndef SPIRA_ADAPTERS_MEMORY_EVENT_BUS_MEMORY_PARTS_H
#define SPIRA_ADAPTERS_MEMORY_EVENT_BUS_MEMORY_PARTS_H

#include <pthread.h>

#include "core/ports/clock.h"
#include "core/ports/event_bus.h"

/* Messages are never changed or freed while the bus lives. */
struct bus_partition {
    struct spira_message **messages;
    size_t count;
};

struct bus_topic {
    char *name;
    struct bus_partition *partitions;
    int32_t partition_count;
    int32_t next_partition; /* of a message without a key */
};

/* Where one group stands in one partition. */
struct bus_slot {
    struct bus_topic *topic;
    int32_t partition;
    int64_t committed;
    int64_t position;         /* what owner polls next */
    struct bus_member *owner; /* who reads it now; NULL: nobody */
    struct bus_member *heir;  /* whom the last rebalance gave it to */
};

struct bus_group {
    char *name;
    struct bus_slot *slots; /* topic by topic, in the order of partitions */
    size_t slot_count;
    struct bus_member **members; /* in the order in which they joined */
    size_t member_count;
};

struct bus_member {
    struct memory_bus *bus;
    struct bus_group *group;
    struct bus_topic **topics;
    size_t topic_count;
    bool paused;
    bool group_changed; /* since the last poll */
    size_t next_slot;   /* where the next poll begins to look, so that no partition starves */
};

struct memory_bus {
    pthread_mutex_t lock;   /* guards all below */
    pthread_cond_t changed; /* a message came, a partition was let go */
    struct spira_clock clock;
    struct bus_topic **topics;
    size_t topic_count;
    struct bus_group **groups;
    size_t group_count;
};

/* event_bus_memory_log.c */

/* Gives a copy in one piece of memory, freed with free(). No lock needed. */
SPIRA_MUST_USE enum spira_code spira_bus_log_copy(const struct spira_message *message,
                                                  struct spira_message **ret_copy,
                                                  struct spira_error *err);
/* The topic, or NULL. */
struct bus_topic *spira_bus_log_find(const struct memory_bus *bus, const char *topic);
void spira_bus_log_add_topic(struct memory_bus *bus, const char *topic, int32_t partitions);
/* Takes message (a copy): stamps it and puts it at the end of its partition. */
void spira_bus_log_append(struct memory_bus *bus, struct bus_topic *topic,
                          struct spira_message *message);
void spira_bus_log_free_topic(struct bus_topic *topic);

/* event_bus_memory_group.c */

/* Takes topics. Gives ret_consumer, a new member of the group, which is made when it is new. */
void spira_bus_group_join(struct memory_bus *bus, const char *group, struct bus_topic **topics,
                          size_t topic_count, struct spira_consumer *ret_consumer);
/* What the group has committed; 0 where it has not, or is not there. The lock is held. */
int64_t spira_bus_group_committed(const struct memory_bus *bus, const char *group,
                                  const struct bus_topic *topic, int32_t partition);
/* Every member has left. */
void spira_bus_group_free(struct bus_group *group);

#endif
