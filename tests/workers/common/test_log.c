#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "adapters/json/json_config.h"
#include "adapters/memory/clock_memory.h"
#include "workers/common/log.h"

static struct spira_clock_memory time_now;
static int lines; /* the file that stdout is */

/* Each test is a process of its own: stdout, and the log, are its own too. */
static void setup(void)
{
    lines = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    cr_assert_geq(lines, 0);
    cr_assert_eq(dup2(lines, STDOUT_FILENO), STDOUT_FILENO);
}

TestSuite(log, .init = setup);

static void open_log(const char *level)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_log_open("model_training", level,
                                spira_clock_memory_init(&time_now, 1772366400123), &err),
                 SPIRA_OK, "%s", err.message);
}

/* All that was logged; freed by the caller. */
static char *logged(void)
{
    enum { ROOM = 1 << 24 };
    char *text = spira_alloc(ROOM, 1);
    cr_assert_geq(pread(lines, text, ROOM - 1, 0), 0);
    return text;
}

/* The one line that was logged, read as JSON; freed by the caller. */
static struct spira_value *the_line(void)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = logged();
    char *end = strchr(text, '\n');
    cr_assert(end && end[1] == '\0', "not one line: %s", text);
    struct spira_value *value = NULL;
    struct spira_error err = {0};
    cr_assert_eq(spira_config_parse(spira_config_source_json(), "the log", text,
                                    (size_t)(end - text), &value, &err),
                 SPIRA_OK, "%s: %s", err.message, text);
    return value;
}

Test(log, a_line_has_its_four_fields_first_and_then_those_given)
{
    open_log(NULL);
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "run_id", "r1");
    spira_value_set_int(fields, "offset", 12);
    spira_log(SPIRA_LOG_WARNING, fields, "attempt %d failed", 2);
    SPIRA_CLEANUP(spira_free_at)
    char *text = logged();
    cr_assert_str_eq(text, "{\"time\":\"2026-03-01T12:00:00.123Z\",\"level\":\"warning\","
                           "\"worker\":\"model_training\",\"message\":\"attempt 2 failed\","
                           "\"run_id\":\"r1\",\"offset\":12}\n");
}

Test(log, lines_below_the_level_are_dropped)
{
    static const struct {
        const char *level;
        size_t written;
    } cases[] = {{"debug", 4}, {"info", 3}, {NULL, 3}, {"warning", 2}, {"error", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_log(cases[i].level);
        cr_assert_eq(ftruncate(lines, 0), 0);
        size_t enabled = 0, written = 0;
        for (enum spira_log_level level = SPIRA_LOG_DEBUG; level <= SPIRA_LOG_ERROR; level++) {
            spira_log(level, spira_value_map(), "x");
            enabled += spira_log_enabled(level);
        }
        SPIRA_CLEANUP(spira_free_at)
        char *text = logged();
        for (const char *at = text; *at; at++)
            written += *at == '\n';
        cr_assert_eq(written, cases[i].written, "%s", text);
        cr_assert_eq(enabled, cases[i].written);
    }
}

Test(log, a_level_that_is_none_is_named_and_nothing_is_written)
{
    struct spira_error err = {0};
    struct spira_clock clock = spira_clock_memory_init(&time_now, 0);
    static const char *const wrong[] = {"loud", "", "INFO", "3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(spira_log_open("w", wrong[i], clock, &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "log level 3: it is none of debug, info, warning, error");
    cr_assert(!spira_log_enabled(SPIRA_LOG_ERROR));
    spira_log(SPIRA_LOG_ERROR, spira_value_map(), "x");
    SPIRA_CLEANUP(spira_free_at)
    char *text = logged();
    cr_assert_str_eq(text, "");
}

Test(log, what_is_not_utf8_and_what_json_escapes_harms_no_line)
{
    open_log(NULL);
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "error", "caf\xe9 \"x\\y\"\r\n\t\x01\x7f");
    spira_value_set_text(fields, "key \xff", "\xe2\x82");
    spira_log(SPIRA_LOG_INFO, fields, "broken \xc3(\nline");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *line = the_line();
    cr_assert_str_eq(spira_value_get_text(line, "message", ""), "broken \xef\xbf\xbd(\nline");
    cr_assert_str_eq(spira_value_get_text(line, "error", ""),
                     "caf\xef\xbf\xbd \"x\\y\"\r\n\t\x01\x7f");
    cr_assert_str_eq(spira_value_get_text(line, "key \xef\xbf\xbd", ""),
                     "\xef\xbf\xbd\xef\xbf\xbd");
}

Test(log, a_field_cannot_pass_itself_off_as_one_of_the_lines_own)
{
    open_log(NULL);
    struct spira_value *fields = spira_value_map();
    spira_value_set_text(fields, "level", "debug");
    spira_value_set_text(fields, "time", "yesterday");
    spira_log(SPIRA_LOG_ERROR, fields, "x");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *line = the_line();
    cr_assert_str_eq(spira_value_get_text(line, "level", ""), "error");
    cr_assert_str_eq(spira_value_get_text(line, "time", ""), "2026-03-01T12:00:00.123Z");
}

Test(log, a_message_beyond_2_kib_is_cut)
{
    open_log(NULL);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_alloc(5001, 1);
    for (size_t i = 0; i < 5000; i += 2) /* so that the cut goes through a character */
        memcpy(text + i, "\xc3\xa9", 2);
    spira_log(SPIRA_LOG_INFO, NULL, "%s", text);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *line = the_line();
    cr_assert_eq(strlen(spira_value_get_text(line, "message", "")), 2046 + 3);
}

enum { THREADS = 4, TIMES = 500 };

static void *log_often(void *text)
{
    for (int i = 0; i < TIMES; i++)
        spira_log(SPIRA_LOG_INFO, NULL, "%s", (const char *)text);
    return NULL;
}

Test(log, lines_of_threads_do_not_mix)
{
    open_log(NULL);
    char texts[THREADS][2000];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        memset(texts[i], 'a' + i, sizeof *texts);
        texts[i][sizeof *texts - 1] = '\0';
        cr_assert_eq(pthread_create(&threads[i], NULL, log_often, texts[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    SPIRA_CLEANUP(spira_free_at)
    char *text = logged();
    size_t count = 0, length = strcspn(text, "\n");
    for (char *at = text; *at; at += length + 1, count++) {
        cr_assert_eq(strcspn(at, "\n"), length);
        const char *message = strstr(at, "\"message\":\"") + strlen("\"message\":\"");
        cr_assert_eq(strspn(message, (const char[]){*message, '\0'}), sizeof *texts - 1);
    }
    cr_assert_eq(count, THREADS * TIMES);
}

Test(log, a_reader_that_is_gone_stops_nobody)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN); /* as every worker does */
    open_log(NULL);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    close(ends[0]);
    spira_log(SPIRA_LOG_INFO, spira_value_map(), "nobody reads this");
    cr_assert_eq(dup2(lines, STDOUT_FILENO), STDOUT_FILENO);
    spira_log(SPIRA_LOG_INFO, NULL, "somebody reads this");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *line = the_line();
    cr_assert_str_eq(spira_value_get_text(line, "message", ""), "somebody reads this");
}
