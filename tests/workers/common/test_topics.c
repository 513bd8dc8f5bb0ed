#include "workers/common/run/topics.h"

#include <criterion/criterion.h>

static size_t count;

/* Each topic has the partitions that its kind of event needs, and dead letters follow it. */
static enum spira_code expect(void *context, const char *topic, int32_t partitions,
                              struct spira_error *err)
{
    char *before = context;
    (void)err;
    cr_assert_eq(strncmp(topic, "test.", 5), 0);
    size_t length = strlen(topic);
    if (strcmp(topic + length - 4, ".dlq") == 0) {
        cr_assert_eq(partitions, 1);
        cr_assert(strlen(before) == length - 4 && strncmp(topic, before, length - 4) == 0);
    } else {
        bool shared = strstr(topic, ".audio.") || strstr(topic, "features.requested") ||
                      strstr(topic, "training.requested");
        cr_assert_eq(partitions, shared ? 12 : 4, "%s", topic);
    }
    snprintf(before, SPIRA_TOPIC_MAX, "%s", topic);
    count++;
    return SPIRA_OK;
}

static enum spira_code refuse(void *context, const char *topic, int32_t partitions,
                              struct spira_error *err)
{
    (void)context;
    (void)partitions;
    count++;
    return spira_fail(err, SPIRA_EIO, "%s", topic);
}

Test(topics, every_event_has_one_and_its_dead_letters)
{
    const struct spira_worker worker = {.topic_prefix = "test."};
    struct spira_error err = {0};
    char before[SPIRA_TOPIC_MAX] = "";
    cr_assert_eq(spira_topics_visit(&worker, true, 12, expect, before, &err), SPIRA_OK);
    size_t with = count;
    count = 0;
    cr_assert_eq(spira_topics_visit(&worker, false, 12, expect, before, &err), SPIRA_OK);
    cr_assert_eq(with, 2 * count);
    cr_assert_geq(count, 14u);
    count = 0;
    cr_assert_eq(spira_topics_visit(&worker, true, 12, refuse, NULL, &err), SPIRA_EIO);
    cr_assert_eq(count, 1u);
}
