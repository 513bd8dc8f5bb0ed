/* The steps of the tests of the Kafka adapter. */
#ifndef SPIRA_TESTS_ADAPTERS_KAFKA_KAFKA_STEPS_H
#define SPIRA_TESTS_ADAPTERS_KAFKA_KAFKA_STEPS_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/kafka/event_bus_kafka.h"

enum { PATIENCE_MS = 30000, POLL_MS = 50 };

#define must(call)                                                                                 \
    do {                                                                                           \
        struct spira_error err = {0};                                                              \
        enum spira_code must_code = (call);                                                        \
        cr_assert(must_code == SPIRA_OK, "%s: %s %s", #call, spira_code_name(must_code),           \
                  err.message);                                                                    \
    } while (0)

#include "tests/consumer_steps.h"

/* A call that must fail with the code, and say the text. */
#define must_fail(call, wanted, text)                                                              \
    do {                                                                                           \
        struct spira_error err = {0};                                                              \
        enum spira_code must_code = (call);                                                        \
        cr_assert(must_code == (wanted) && err.code == (wanted), "%s: %s %s", #call,               \
                  spira_code_name(must_code), err.message);                                        \
        cr_assert(strstr(err.message, text), "'%s' does not say '%s'", err.message, text);         \
    } while (0)

/* A member under this name, or NULL; with properties up to a name of NULL, or NULL. */
static inline struct spira_event_bus open_bus(const char *servers, const char *instance,
                                              const struct spira_kafka_property *properties)
{
    struct spira_kafka_settings settings = {.bootstrap_servers = servers,
                                            .client_id = "test",
                                            .group_instance_id = instance,
                                            .properties = properties};
    while (properties && properties[settings.property_count].name)
        settings.property_count++;
    struct spira_event_bus bus = {0};
    must(spira_event_bus_kafka(&settings, &bus, &err));
    return bus;
}

static inline void send_text(struct spira_event_bus bus, const char *topic, const char *key,
                             const char *text)
{
    struct spira_message message = {
        .topic = topic, .key = key, .value = text, .size = text ? strlen(text) : 0};
    must(spira_bus_send(bus, &message, &err));
}

static inline void send_and_flush(struct spira_event_bus bus, const char *topic, const char *key,
                                  const char *text)
{
    send_text(bus, topic, key, text);
    must(spira_bus_flush(bus, PATIENCE_MS, &err));
}

static inline struct spira_consumer join(struct spira_event_bus bus, const char *group,
                                         const char *topic)
{
    struct spira_consumer consumer = {0};
    must(spira_bus_subscribe(bus, group, &topic, 1, &consumer, &err));
    return consumer;
}

/* The position in the topic's one partition. */
static inline struct spira_position only_position(struct spira_consumer consumer)
{
    struct spira_position *all = NULL;
    size_t count = 0;
    must(spira_consumer_positions(consumer, &all, &count, &err));
    cr_assert_eq(count, 1);
    struct spira_position position = all[0];
    free(all);
    return position;
}

#endif
