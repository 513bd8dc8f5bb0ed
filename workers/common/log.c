#include "workers/common/log.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "core/base/moment.h"
#include "core/base/text.h"

enum { MESSAGE_MAX = 2048 };

static const char *const levels[] = {[SPIRA_LOG_DEBUG] = "debug",
                                     [SPIRA_LOG_INFO] = "info",
                                     [SPIRA_LOG_WARNING] = "warning",
                                     [SPIRA_LOG_ERROR] = "error"};
enum { LEVELS = sizeof levels / sizeof *levels };

/* A process has one stdout, so it has one log. Set once, before other threads start; lock is for
 * the lines. */
static struct {
    const char *worker; /* NULL: not open */
    enum spira_log_level minimum;
    struct spira_clock clock;
    pthread_mutex_t lock;
} process_log = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum spira_code spira_log_open(const char *worker, const char *level, struct spira_clock clock,
                               struct spira_error *err)
{
    size_t minimum = SPIRA_LOG_INFO;
    if (level)
        for (minimum = 0; minimum < LEVELS && strcmp(level, levels[minimum]) != 0;)
            minimum++;
    if (minimum == LEVELS)
        return spira_fail(err, SPIRA_EINVALID,
                          "log level %s: it is none of debug, info, warning, error", level);
    process_log.minimum = (enum spira_log_level)minimum;
    process_log.clock = clock;
    process_log.worker = worker;
    return SPIRA_OK;
}

bool spira_log_enabled(enum spira_log_level level)
{
    return process_log.worker && level >= process_log.minimum;
}

static struct spira_value *line_of(enum spira_log_level level, const char *message,
                                   const struct spira_value *fields)
{
    struct spira_value *line = spira_value_map();
    spira_value_set_text(line, "time",
                         spira_moment_format(spira_clock_now_ms(process_log.clock)).text);
    spira_value_set_text(line, "level", levels[level]);
    spira_value_set_text(line, "worker", process_log.worker);
    spira_value_set_text(line, "message", message);
    for (size_t i = 0; i < spira_value_count(fields); i++) {
        const char *key = spira_value_key_at(fields, i);
        if (!spira_value_get(line, key))
            spira_value_set(line, key, spira_value_copy(spira_value_at(fields, i)));
    }
    return line;
}

/* A reader of a pipe sees whole lines, unless one outgrows the pipe's buffer: hence the lock. */
static void write_line(const char *line, size_t size)
{
    pthread_mutex_lock(&process_log.lock);
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, line, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        line += written;
        size -= (size_t)written;
    }
    pthread_mutex_unlock(&process_log.lock);
}

void spira_log(enum spira_log_level level, struct spira_value *fields, const char *format, ...)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *taken = fields;
    if (!spira_log_enabled(level))
        return;
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *line = line_of(level, message, taken);
    SPIRA_CLEANUP(spira_free_at)
    char *json = spira_value_to_text(line, SPIRA_COMPACT);
    /* JSON's own signs are ASCII: what is not UTF-8 is inside a text, wherever it came from. */
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_utf8_repair(json);
    size_t size = strlen(text);
    text[size] = '\n'; /* in place of the ending zero */
    write_line(text, size + 1);
}
