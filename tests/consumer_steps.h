/* Steps of a member of a group, for tests of the event bus. Whoever includes this has defined
 * must(call), PATIENCE_MS and POLL_MS before. */
#ifndef SPIRA_TESTS_CONSUMER_STEPS_H
#define SPIRA_TESTS_CONSUMER_STEPS_H

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "core/ports/event_bus.h"

static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* The next message within the time, or NULL; counts, where asked for, what the polls complained of.
 */
static inline const struct spira_message *next_within(struct spira_consumer consumer, int time_ms,
                                                      int *complaints)
{
    const struct spira_message *message = NULL;
    for (int64_t end = now_ms() + time_ms; !message && now_ms() < end;) {
        struct spira_error err = {0};
        enum spira_code code = spira_consumer_poll(consumer, POLL_MS, &message, &err);
        cr_assert(code == SPIRA_OK || code == SPIRA_EUNREACHABLE, "%s", err.message);
        if (code == SPIRA_EUNREACHABLE && complaints)
            ++*complaints;
    }
    return message;
}

static inline const struct spira_message *next(struct spira_consumer consumer)
{
    const struct spira_message *message = next_within(consumer, PATIENCE_MS, NULL);
    cr_assert(message, "no message came");
    return message;
}

static inline void expect_text(const struct spira_message *message, const char *text)
{
    cr_assert(message->size == strlen(text) && memcmp(message->value, text, message->size) == 0,
              "'%.*s' is not '%s'", (int)message->size, (const char *)message->value, text);
}

/* Polls a message, checks its text and commits it. */
static inline void handle(struct spira_consumer consumer, const char *text)
{
    const struct spira_message *message = next(consumer);
    expect_text(message, text);
    must(spira_consumer_commit(consumer, message, &err));
    spira_consumer_release(consumer, message);
}

#endif
