#include "adapters/memory/event_bus_memory_parts.h"

#include <assert.h>
#include <errno.h>

static bool subscribed(const struct bus_member *member, const struct bus_topic *topic)
{
    for (size_t i = 0; i < member->topic_count; i++)
        if (member->topics[i] == topic)
            return true;
    return false;
}

/* Kafka's range assignor for the topic whose first slot is given: the members share its partitions
 * in stretches, and the first ones get one more when they do not come out even. */
static void assign_topic(struct bus_group *group, struct bus_slot *first)
{
    int32_t members = 0, index = 0, given = 0;
    for (size_t i = 0; i < group->member_count; i++)
        members += subscribed(group->members[i], first->topic);
    int32_t partitions = first->topic->partition_count;
    for (int32_t p = 0; p < partitions; p++)
        first[p].heir = NULL;
    for (size_t i = 0; i < group->member_count; i++) {
        if (!subscribed(group->members[i], first->topic))
            continue;
        assert(members > 0); /* this one was counted */
        int32_t share = partitions / members + (index++ < partitions % members);
        for (int32_t k = 0; k < share; k++)
            first[given++].heir = group->members[i];
    }
}

static void rebalance(struct bus_group *group)
{
    for (size_t i = 0; i < group->slot_count; i += (size_t)group->slots[i].topic->partition_count)
        assign_topic(group, &group->slots[i]);
    for (size_t i = 0; i < group->member_count; i++)
        group->members[i]->group_changed = true;
}

/* The member's side of a rebalance: lets go what is another's now and takes what is its own. Kept
 * partitions too begin again behind what is committed, as under Kafka's eager assignors. */
static void settle(struct bus_member *member)
{
    for (size_t i = 0; i < member->group->slot_count; i++) {
        struct bus_slot *slot = &member->group->slots[i];
        if (slot->owner == member && slot->heir != member) {
            slot->owner = NULL;
            pthread_cond_broadcast(&member->bus->changed);
        }
        bool taken = slot->heir == member && !slot->owner;
        if (taken || (member->group_changed && slot->owner == member)) {
            slot->owner = member;
            slot->position = slot->committed;
        }
    }
    member->group_changed = false;
}

/* The next message of an owned partition, or NULL. */
static const struct spira_message *take(struct bus_member *member)
{
    struct bus_group *group = member->group;
    for (size_t i = 0; i < group->slot_count; i++) {
        size_t index = (member->next_slot + i) % group->slot_count;
        struct bus_slot *slot = &group->slots[index];
        struct bus_partition *partition = &slot->topic->partitions[slot->partition];
        if (slot->owner != member || (size_t)slot->position >= partition->count)
            continue;
        member->next_slot = index + 1;
        return partition->messages[slot->position++];
    }
    return NULL;
}

static struct timespec deadline_after(int timeout_ms)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    int64_t nanoseconds = deadline.tv_nsec + (int64_t)timeout_ms * 1000000;
    deadline.tv_sec += nanoseconds / 1000000000;
    deadline.tv_nsec = nanoseconds % 1000000000;
    return deadline;
}

static enum spira_code poll_member(void *self, int timeout_ms,
                                   const struct spira_message **ret_message,
                                   struct spira_error *err)
{
    struct bus_member *member = self;
    struct timespec deadline = deadline_after(timeout_ms);
    const struct spira_message *message = NULL;
    pthread_mutex_lock(&member->bus->lock);
    for (;;) {
        settle(member);
        if (!member->paused && (message = take(member)))
            break;
        if (pthread_cond_timedwait(&member->bus->changed, &member->bus->lock, &deadline) ==
            ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&member->bus->lock);
    if (!message) {
        *ret_message = NULL;
        return SPIRA_OK;
    }
    /* A copy, though the log's own would live: so a test finds who forgets to release. */
    struct spira_message *copy = NULL;
    enum spira_code code = spira_bus_log_copy(message, &copy, err);
    if (code == SPIRA_OK)
        *ret_message = copy;
    return code;
}

static void release(void *self, const struct spira_message *message)
{
    (void)self;
    free((void *)message);
}

static void set_paused(struct bus_member *member, bool paused)
{
    pthread_mutex_lock(&member->bus->lock);
    member->paused = paused;
    pthread_mutex_unlock(&member->bus->lock);
}

static void pause_member(void *self)
{
    set_paused(self, true);
}

static void resume_member(void *self)
{
    set_paused(self, false);
}

/* The slot when the member owns the partition, or NULL. */
static struct bus_slot *owned_slot(struct bus_member *member, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < member->group->slot_count; i++) {
        struct bus_slot *slot = &member->group->slots[i];
        if (slot->owner == member && slot->partition == partition &&
            strcmp(slot->topic->name, topic) == 0)
            return slot;
    }
    return NULL;
}

static bool owns(void *self, const char *topic, int32_t partition)
{
    struct bus_member *member = self;
    pthread_mutex_lock(&member->bus->lock);
    bool owned = owned_slot(member, topic, partition) != NULL;
    pthread_mutex_unlock(&member->bus->lock);
    return owned;
}

static enum spira_code not_owned(const char *topic, int32_t partition, struct spira_error *err)
{
    return spira_fail(err, SPIRA_ECONFLICT, "%s: partition %d is another member's now", topic,
                      (int)partition);
}

static enum spira_code commit(void *self, const struct spira_message *message,
                              struct spira_error *err)
{
    struct bus_member *member = self;
    pthread_mutex_lock(&member->bus->lock);
    struct bus_slot *slot = owned_slot(member, message->topic, message->partition);
    if (slot)
        slot->committed = message->offset + 1;
    pthread_mutex_unlock(&member->bus->lock);
    return slot ? SPIRA_OK : not_owned(message->topic, message->partition, err);
}

static enum spira_code positions(void *self, struct spira_position **ret_positions,
                                 size_t *ret_count, struct spira_error *err)
{
    (void)err;
    struct bus_member *member = self;
    pthread_mutex_lock(&member->bus->lock);
    struct spira_position *all = spira_alloc(member->group->slot_count + 1, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < member->group->slot_count; i++) {
        const struct bus_slot *slot = &member->group->slots[i];
        if (slot->owner != member)
            continue;
        struct spira_position *position = &all[count++];
        snprintf(position->topic, sizeof position->topic, "%s", slot->topic->name);
        position->partition = slot->partition;
        position->next = slot->position;
        position->committed = slot->committed;
    }
    pthread_mutex_unlock(&member->bus->lock);
    *ret_positions = all;
    *ret_count = count;
    return SPIRA_OK;
}

static enum spira_code seek(void *self, const char *topic, int32_t partition, int64_t offset,
                            struct spira_error *err)
{
    struct bus_member *member = self;
    pthread_mutex_lock(&member->bus->lock);
    struct bus_slot *slot = owned_slot(member, topic, partition);
    int64_t end = slot ? (int64_t)slot->topic->partitions[partition].count : 0;
    if (slot && offset <= end)
        slot->position = offset;
    pthread_mutex_unlock(&member->bus->lock);
    if (slot && offset > end)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: partition %d ends at %jd, before %jd", topic,
                          (int)partition, (intmax_t)end, (intmax_t)offset);
    return slot ? SPIRA_OK : not_owned(topic, partition, err);
}

static void close_member(void *self)
{
    struct bus_member *member = self;
    struct memory_bus *bus = member->bus;
    struct bus_group *group = member->group;
    pthread_mutex_lock(&bus->lock);
    for (size_t i = 0; i < group->slot_count; i++)
        if (group->slots[i].owner == member)
            group->slots[i].owner = NULL;
    size_t index = 0;
    while (group->members[index] != member)
        index++;
    group->member_count--;
    memmove(&group->members[index], &group->members[index + 1],
            (group->member_count - index) * sizeof(member));
    rebalance(group);
    pthread_cond_broadcast(&bus->changed);
    pthread_mutex_unlock(&bus->lock);
    free(member->topics);
    free(member);
}

static struct bus_group *find_or_add(struct memory_bus *bus, const char *name)
{
    for (size_t i = 0; i < bus->group_count; i++)
        if (strcmp(bus->groups[i]->name, name) == 0)
            return bus->groups[i];
    struct bus_group *group = spira_alloc(1, sizeof *group);
    group->name = spira_copy_text(name);
    bus->groups = spira_realloc(bus->groups, bus->group_count + 1, sizeof(group));
    bus->groups[bus->group_count++] = group;
    return group;
}

/* Slots for a topic that is new to the group. */
static void add_slots(struct bus_group *group, struct bus_topic *topic)
{
    for (size_t i = 0; i < group->slot_count; i++)
        if (group->slots[i].topic == topic)
            return;
    size_t count = group->slot_count + (size_t)topic->partition_count;
    group->slots = spira_realloc(group->slots, count, sizeof *group->slots);
    for (int32_t partition = 0; partition < topic->partition_count; partition++)
        group->slots[group->slot_count++] =
            (struct bus_slot){.topic = topic, .partition = partition};
}

void spira_bus_group_join(struct memory_bus *bus, const char *group_name, struct bus_topic **topics,
                          size_t topic_count, struct spira_consumer *ret_consumer)
{
    static const struct spira_consumer_ops ops = {.poll = poll_member,
                                                  .release = release,
                                                  .pause = pause_member,
                                                  .resume = resume_member,
                                                  .owns = owns,
                                                  .commit = commit,
                                                  .positions = positions,
                                                  .seek = seek,
                                                  .close = close_member};
    struct bus_group *group = find_or_add(bus, group_name);
    struct bus_member *member = spira_alloc(1, sizeof *member);
    *member = (struct bus_member){
        .bus = bus, .group = group, .topics = topics, .topic_count = topic_count};
    for (size_t i = 0; i < topic_count; i++)
        add_slots(group, topics[i]);
    group->members = spira_realloc(group->members, group->member_count + 1, sizeof(member));
    group->members[group->member_count++] = member;
    rebalance(group);
    *ret_consumer = (struct spira_consumer){.ops = &ops, .self = member};
}

int64_t spira_bus_group_committed(const struct memory_bus *bus, const char *group_name,
                                  const struct bus_topic *topic, int32_t partition)
{
    for (size_t g = 0; g < bus->group_count; g++) {
        const struct bus_group *group = bus->groups[g];
        for (size_t i = 0; strcmp(group->name, group_name) == 0 && i < group->slot_count; i++)
            if (group->slots[i].topic == topic && group->slots[i].partition == partition)
                return group->slots[i].committed;
    }
    return 0;
}

void spira_bus_group_free(struct bus_group *group)
{
    assert(group->member_count == 0);
    free(group->members);
    free(group->slots);
    free(group->name);
    free(group);
}
