#include "workers/common/command_line/settings.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static const struct spira_option options[] = {SPIRA_OPTIONS_SERVICES, SPIRA_OPTIONS_WORKER, {0}};

static const struct spira_verb verb = {.program = "spira-test", .options = options};

static struct spira_arguments arguments;
static struct spira_settings settings;
static struct spira_error err;

static void parse(int count, const char *const *words)
{
    cr_assert_eq(spira_arguments_parse(&verb, count, (char *const *)words, &arguments, &err),
                 SPIRA_OK, "%s", err.message);
}

static enum spira_code read_settings(int count, const char *const *words)
{
    parse(count, words);
    return spira_settings_read(&arguments, &settings, &err);
}

static void end(void)
{
    spira_settings_done(&settings);
    spira_arguments_done(&arguments);
}

/* Whatever the caller has set for a fleet of its own is not for these. */
static void begin(void)
{
    static const char *const names[] = {"KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "REDIS_URL_FILE",
                                        "SPIRA_STORE", "SPIRA_INBOX"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

TestSuite(settings, .init = begin, .fini = end);

Test(settings, an_option_goes_before_the_environment_before_the_preset)
{
    setenv("KAFKA_BOOTSTRAP_SERVERS", "from:1", true);
    setenv("REDIS_URL", "redis://from:2/0", true);
    setenv("SPIRA_STORE", "", true);
    const char *words[] = {"--kafka", "given:3"};
    cr_assert_eq(read_settings(2, words), SPIRA_OK, "%s", err.message);
    cr_expect_str_eq(spira_setting(&settings, "kafka"), "given:3");
    cr_expect_str_eq(spira_setting(&settings, "redis"), "redis://from:2/0");
    cr_expect_str_eq(spira_setting(&settings, "topic-prefix"), "spira.");
    cr_expect_null(spira_setting(&settings, "store"));
    const char *text = NULL;
    cr_expect_eq(spira_setting_need(&settings, "store", &text, &err), SPIRA_EINVALID);
    cr_expect_str_eq(err.message, "give --store or set SPIRA_STORE");
    cr_expect_eq(spira_setting_need(&settings, "kafka", &text, &err), SPIRA_OK);
    cr_expect_str_eq(text, "given:3");
}

static char secret_path[] = "/tmp/spira-secret-XXXXXX";

static void write_secret(const char *text)
{
    int fd = mkstemp(secret_path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

Test(settings, a_secret_comes_from_a_file)
{
    write_secret("redis://:pass@from:2/0\n");
    setenv("REDIS_URL_FILE", secret_path, true);
    enum spira_code code = read_settings(0, NULL);
    unlink(secret_path);
    cr_assert_eq(code, SPIRA_OK, "%s", err.message);
    cr_expect_str_eq(spira_setting(&settings, "redis"), "redis://:pass@from:2/0");
}

Test(settings, a_secret_whose_file_is_not_there_is_named)
{
    setenv("REDIS_URL_FILE", "/nowhere/secret", true);
    cr_assert_eq(read_settings(0, NULL), SPIRA_ENOTFOUND);
    cr_expect(strstr(err.message, "REDIS_URL_FILE") && strstr(err.message, "/nowhere/secret"), "%s",
              err.message);
}

static const char *property(const char *name)
{
    for (size_t i = 0; i < settings.property_count; i++)
        if (strcmp(settings.properties[i].name, name) == 0)
            return settings.properties[i].value;
    return NULL;
}

Test(settings, properties_come_from_variables_and_options)
{
    write_secret("s3cret\n");
    setenv("SPIRA_KAFKA_SASL_USERNAME", "spira", true);
    setenv("SPIRA_KAFKA_SASL_PASSWORD_FILE", secret_path, true);
    setenv("SPIRA_KAFKA_SESSION_TIMEOUT_MS", "6000", true);
    const char *words[] = {"-X", "session.timeout.ms=7000", "--kafka-property=client.rack=a=b"};
    enum spira_code code = read_settings(3, words);
    unlink(secret_path);
    cr_assert_eq(code, SPIRA_OK, "%s", err.message);
    cr_expect_str_eq(property("sasl.username"), "spira");
    cr_expect_str_eq(property("sasl.password"), "s3cret");
    cr_expect_str_eq(property("session.timeout.ms"), "7000");
    cr_expect_str_eq(property("client.rack"), "a=b");
}

Test(settings, a_property_without_a_value_is_refused)
{
    const char *words[] = {"-X", "nonsense"};
    cr_assert_eq(read_settings(2, words), SPIRA_EINVALID);
    cr_expect(strstr(err.message, "'nonsense'"), "%s", err.message);
}

Test(settings, numbers_have_bounds)
{
    const char *words[] = {"--http-port", "70000", "--grace=15", "--child-cpu", "-3"};
    cr_assert_eq(read_settings(5, words), SPIRA_OK, "%s", err.message);
    int64_t number = 0;
    cr_expect_eq(spira_setting_number(&settings, "grace", 1, 600, 20, &number, &err), SPIRA_OK);
    cr_expect_eq(number, 15);
    cr_expect_eq(spira_setting_number(&settings, "child-memory", 1, 600, 20, &number, &err),
                 SPIRA_OK);
    cr_expect_eq(number, 20);
    cr_expect_eq(spira_setting_number(&settings, "http-port", 0, 65535, 0, &number, &err),
                 SPIRA_EINVALID);
    cr_expect(strstr(err.message, "SPIRA_HTTP_PORT: '70000'"), "%s", err.message);
    cr_expect_eq(spira_setting_number(&settings, "child-cpu", 0, 9, 0, &number, &err),
                 SPIRA_EINVALID);
}
