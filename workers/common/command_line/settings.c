#include "workers/common/command_line/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>

#include "core/base/file.h"

extern char **environ;

static const struct {
    const char *name;
    const char *variable;
    const char *preset;
    bool secret; /* may come from the file that <variable>_FILE names */
} table[] = {
    {"kafka", "KAFKA_BOOTSTRAP_SERVERS", NULL, false},
    {"redis", "REDIS_URL", NULL, true},
    {"store", "SPIRA_STORE", NULL, false},
    {"inbox", "SPIRA_INBOX", NULL, false},
    {"topic-prefix", "SPIRA_TOPIC_PREFIX", "spira.", false},
    {"http-port", "SPIRA_HTTP_PORT", NULL, false},
    {"http-address", "SPIRA_HTTP_ADDRESS", "127.0.0.1", false},
    {"scratch", "SPIRA_SCRATCH", "/tmp/spira", false},
    {"instance", "SPIRA_INSTANCE", NULL, false},
    {"child-memory", "SPIRA_CHILD_MEMORY", NULL, false},
    {"child-file", "SPIRA_CHILD_FILE", NULL, false},
    {"child-cpu", "SPIRA_CHILD_CPU", NULL, false},
    {"child-deadline", "SPIRA_CHILD_DEADLINE", NULL, false},
    {"grace", "SPIRA_GRACE", NULL, false},
    {"log-level", "SPIRA_LOG_LEVEL", "info", false},
};

enum { SETTINGS = sizeof table / sizeof *table, SECRET_MAX_BYTES = 65536 };

#define PROPERTY_PREFIX "SPIRA_KAFKA_"
#define FILE_SUFFIX "_FILE"

static size_t find(const char *name)
{
    size_t i = 0;
    while (i < SETTINGS && strcmp(table[i].name, name) != 0)
        i++;
    assert(i < SETTINGS);
    return i;
}

static const char *variable(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

/* Gives what a file holds without the line's end. */
static enum spira_code read_secret(const char *path, const char *named_by, char **ret_text,
                                   struct spira_error *err)
{
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, SECRET_MAX_BYTES, &bytes, err);
    if (code != SPIRA_OK)
        return spira_fail_within(err, "%s", named_by);
    *ret_text = (char *)bytes.data;
    (*ret_text)[strcspn(*ret_text, "\r\n")] = '\0';
    return SPIRA_OK;
}

static enum spira_code read_one(const struct spira_arguments *arguments, size_t index,
                                char **ret_text, struct spira_error *err)
{
    const char *text = NULL;
    if (spira_argument_known(arguments, table[index].name))
        text = spira_argument(arguments, table[index].name);
    if (!text)
        text = variable(table[index].variable);
    if (!text && table[index].secret) {
        SPIRA_CLEANUP(spira_free_at)
        char *named_by = spira_format("%s" FILE_SUFFIX, table[index].variable);
        if (variable(named_by))
            return read_secret(variable(named_by), named_by, ret_text, err);
    }
    if (!text)
        text = table[index].preset;
    *ret_text = text ? spira_copy_text(text) : NULL;
    return SPIRA_OK;
}

/* Takes name and value; a later one of the same name takes the place of the earlier. */
static void set_property(struct spira_settings *settings, char *name, char *value)
{
    for (size_t i = 0; i < settings->property_count; i++) {
        if (strcmp(settings->properties[i].name, name) == 0) {
            free(name);
            free(settings->properties[i].value);
            settings->properties[i].value = value;
            return;
        }
    }
    settings->properties = spira_realloc(settings->properties, settings->property_count + 1,
                                         sizeof *settings->properties);
    settings->properties[settings->property_count++] = (struct spira_property){name, value};
}

/* SPIRA_KAFKA_SASL_PASSWORD=text is sasl.password=text; SPIRA_KAFKA_SASL_PASSWORD_FILE names a file
 * with it. */
static enum spira_code read_variable(struct spira_settings *settings, const char *entry,
                                     struct spira_error *err)
{
    const char *equals = strchr(entry, '=');
    if (strncmp(entry, PROPERTY_PREFIX, strlen(PROPERTY_PREFIX)) != 0 || !equals || !equals[1])
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_free_at)
    char *named_by = spira_format("%.*s", (int)(equals - entry), entry);
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_copy_text(named_by + strlen(PROPERTY_PREFIX));
    size_t length = strlen(name), suffix = strlen(FILE_SUFFIX);
    bool in_file = length > suffix && strcmp(name + length - suffix, FILE_SUFFIX) == 0;
    if (in_file)
        name[length - suffix] = '\0';
    for (char *at = name; *at; at++)
        *at = *at == '_' ? '.' : (char)tolower((unsigned char)*at);
    char *value = NULL;
    enum spira_code code = SPIRA_OK;
    if (in_file)
        code = read_secret(equals + 1, named_by, &value, err);
    else
        value = spira_copy_text(equals + 1);
    if (code != SPIRA_OK)
        return code;
    set_property(settings, name, value);
    name = NULL;
    return SPIRA_OK;
}

static enum spira_code read_properties(const struct spira_arguments *arguments,
                                       struct spira_settings *settings, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    for (char **entry = environ; code == SPIRA_OK && *entry; entry++)
        code = read_variable(settings, *entry, err);
    if (code != SPIRA_OK || !spira_argument_known(arguments, "kafka-property"))
        return code;
    for (size_t i = 0; i < spira_argument_count(arguments, "kafka-property"); i++) {
        const char *text = spira_argument_at(arguments, "kafka-property", i);
        const char *equals = strchr(text, '=');
        if (!equals || equals == text)
            return spira_fail(err, SPIRA_EINVALID, "--kafka-property: '%s' is no NAME=VALUE", text);
        set_property(settings, spira_format("%.*s", (int)(equals - text), text),
                     spira_copy_text(equals + 1));
    }
    return SPIRA_OK;
}

enum spira_code spira_settings_read(const struct spira_arguments *arguments,
                                    struct spira_settings *ret_settings, struct spira_error *err)
{
    struct spira_settings settings = {.texts = spira_alloc(SETTINGS, sizeof(char *))};
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < SETTINGS; i++)
        code = read_one(arguments, i, &settings.texts[i], err);
    if (code == SPIRA_OK)
        code = read_properties(arguments, &settings, err);
    if (code != SPIRA_OK) {
        spira_settings_done(&settings);
        return code;
    }
    *ret_settings = settings;
    return SPIRA_OK;
}

void spira_settings_done(struct spira_settings *settings)
{
    for (size_t i = 0; settings->texts && i < SETTINGS; i++)
        free(settings->texts[i]);
    free(settings->texts);
    for (size_t i = 0; i < settings->property_count; i++) {
        free(settings->properties[i].name);
        free(settings->properties[i].value);
    }
    free(settings->properties);
    *settings = (struct spira_settings){0};
}

const char *spira_setting(const struct spira_settings *settings, const char *name)
{
    return settings->texts[find(name)];
}

enum spira_code spira_setting_need(const struct spira_settings *settings, const char *name,
                                   const char **ret_text, struct spira_error *err)
{
    size_t index = find(name);
    if (!settings->texts[index])
        return spira_fail(err, SPIRA_EINVALID, "give --%s or set %s", name, table[index].variable);
    *ret_text = settings->texts[index];
    return SPIRA_OK;
}

enum spira_code spira_setting_number(const struct spira_settings *settings, const char *name,
                                     int64_t least, int64_t most, int64_t preset,
                                     int64_t *ret_number, struct spira_error *err)
{
    size_t index = find(name);
    const char *text = settings->texts[index];
    if (!text) {
        *ret_number = preset;
        return SPIRA_OK;
    }
    char *end = NULL;
    errno = 0;
    long long number = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : 0;
    if (!end || *end || errno || number < least || number > most)
        return spira_fail(err, SPIRA_EINVALID, "--%s or %s: '%s' is no number from %jd to %jd",
                          name, table[index].variable, text, (intmax_t)least, (intmax_t)most);
    *ret_number = number;
    return SPIRA_OK;
}
