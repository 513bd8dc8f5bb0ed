#include "tests/adapters/kafka/kafka_steps.h"

static enum spira_code open_with(const char *name, const char *value, struct spira_error *err)
{
    const struct spira_kafka_property property = {name, value};
    struct spira_kafka_settings settings = {
        .bootstrap_servers = "127.0.0.1:1", .properties = &property, .property_count = 1};
    struct spira_event_bus bus = {0};
    enum spira_code code = spira_event_bus_kafka(&settings, &bus, err);
    cr_assert_eq(code == SPIRA_OK, bus.ops != NULL);
    spira_event_bus_done(&bus);
    return code;
}

Test(kafka_settings, properties_of_librdkafka_pass_through)
{
    must(open_with("fetch.min.bytes", "2", &err));       /* a consumer's */
    must(open_with("batch.num.messages", "10", &err));   /* a producer's */
    must(open_with("session.timeout.ms", "7000", &err)); /* instead of ours */
}

Test(kafka_settings, a_wrong_property_is_refused_with_its_name_and_value)
{
    must_fail(open_with("fetch.min.bytes", "-7", &err), SPIRA_EINVALID, "fetch.min.bytes = -7");
    must_fail(open_with("linger.ms", "soon", &err), SPIRA_EINVALID, "linger.ms = soon");
    must_fail(open_with("error_cb", "x", &err), SPIRA_EINVALID, "error_cb");
}

Test(kafka_settings, the_value_of_an_unknown_property_may_be_a_secret)
{
    struct spira_error err;
    cr_assert_eq(open_with("sasl.pasword", "hunter2", &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "sasl.pasword"), "%s", err.message);
    cr_assert_null(strstr(err.message, "hunter2"), "%s", err.message);
}

Test(kafka_settings, properties_that_do_not_go_together_are_refused_at_the_start)
{
    must_fail(open_with("retries", "0", &err), SPIRA_EINVALID, "retries");
    must_fail(open_with("session.timeout.ms", "120000", &err), SPIRA_EINVALID,
              "session.timeout.ms");
}

Test(kafka_settings, what_would_break_the_protocol_is_not_for_setting)
{
    static const char *const names[] = {"enable.auto.commit",
                                        "auto.commit.enable",
                                        "enable.auto.offset.store",
                                        "partition.assignment.strategy",
                                        "auto.offset.reset",
                                        "enable.idempotence",
                                        "acks",
                                        "partitioner",
                                        "group.id",
                                        "bootstrap.servers"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        must_fail(open_with(names[i], "true", &err), SPIRA_EINVALID, names[i]);
}

Test(kafka_settings, a_bus_without_servers_is_refused)
{
    struct spira_kafka_settings settings = {.bootstrap_servers = ""};
    struct spira_event_bus bus = {0};
    must_fail(spira_event_bus_kafka(&settings, &bus, &err), SPIRA_EINVALID, "bootstrap");
}

struct log_lines {
    char text[8192]; /* what the first lines say */
    int level;
};

static void keep_line(void *context, int level, const char *text)
{
    struct log_lines *lines = context;
    size_t used = strlen(lines->text);
    snprintf(lines->text + used, sizeof lines->text - used, "%s\n", text);
    lines->level = level;
}

Test(kafka_settings, what_librdkafka_says_comes_to_the_log)
{
    struct log_lines lines = {.level = -1};
    const struct spira_kafka_property property = {"fetch.min.bytes", "2"};
    struct spira_kafka_settings settings = {.bootstrap_servers = "127.0.0.1:1",
                                            .properties = &property,
                                            .property_count = 1,
                                            .log = keep_line,
                                            .log_context = &lines};
    struct spira_event_bus bus = {0};
    must(spira_event_bus_kafka(&settings, &bus, &err));
    must_fail(spira_bus_probe(bus, &err), SPIRA_EUNREACHABLE, "127.0.0.1:1");
    spira_event_bus_done(&bus); /* its threads write no more */
    cr_assert(strstr(lines.text, "127.0.0.1:1"), "%s", lines.text);
    cr_assert(!strstr(lines.text, "will be ignored"), "%s", lines.text);
    cr_assert(lines.level >= 0 && lines.level <= 7);
}
