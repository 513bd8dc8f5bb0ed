#include "core/ports/event_bus.h"

#include <string.h>

enum spira_code spira_topic_check(const char *topic, int32_t partitions, struct spira_error *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(topic);
    if (length == 0 || length >= SPIRA_TOPIC_MAX || strspn(topic, allowed) != length)
        return spira_fail(err, SPIRA_EINVALID, "%s: not a topic's name", topic);
    if (partitions < 1)
        return spira_fail(err, SPIRA_EINVALID, "%s: %d partitions", topic, (int)partitions);
    return SPIRA_OK;
}

const char *spira_message_header(const struct spira_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return NULL;
}
