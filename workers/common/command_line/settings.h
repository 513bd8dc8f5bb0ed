/* What a program is told from outside: for each setting an option of its command line, else an
 * environment variable, else (for secrets) the file that the variable <NAME>_FILE names, else a
 * preset. */
#ifndef SPIRA_WORKERS_COMMON_COMMAND_LINE_SETTINGS_H
#define SPIRA_WORKERS_COMMON_COMMAND_LINE_SETTINGS_H

#include "workers/common/command_line/options.h"

/* The services of a fleet: options of every worker and of spiractl's commands for the fleet. */
#define SPIRA_OPTIONS_SERVICES                                                                     \
    {"kafka", "HOSTS", "Kafka, HOST:PORT[,HOST:PORT]...; default KAFKA_BOOTSTRAP_SERVERS",         \
     0,       false,   false},                                                                     \
        {"redis", "URL", "Redis, redis://HOST:PORT/DATABASE; default REDIS_URL", 0, false, false}, \
        {"store", "DIR", "the object store; default SPIRA_STORE", 0, false, false},                \
        {"inbox", "DIR", "where new recordings arrive; default SPIRA_INBOX", 0, false, false},     \
        {"topic-prefix", "TEXT", "before the names of topics and groups; default spira.", 0,       \
         false,          false},                                                                   \
    {                                                                                              \
        "kafka-property", "NAME=VALUE",                                                            \
            "any property of librdkafka; SPIRA_KAFKA_SASL_PASSWORD stands for sasl.password", 'X', \
            false, true                                                                            \
    }

/* Where each child's limits, the health port and the like come from: options of workers. */
#define SPIRA_OPTIONS_WORKER                                                                        \
    {"http-port", "PORT", "port of /livez, /readyz, /metrics, /version; default SPIRA_HTTP_PORT",   \
     0,           false,  false},                                                                   \
        {"http-address", "ADDRESS", "address to listen on; default 127.0.0.1", 0, false, false},    \
        {"scratch", "DIR", "for the files of jobs under way; default SPIRA_SCRATCH or /tmp/spira",  \
         0,         false, false},                                                                  \
        {"instance",                                                                                \
         "NAME",                                                                                    \
         "name of this worker's slot (group.instance.id): a restart within the session takes it "   \
         "up at once; default SPIRA_INSTANCE",                                                      \
         0,                                                                                         \
         false,                                                                                     \
         false},                                                                                    \
        {"child-memory",                                                                            \
         "MIB",                                                                                     \
         "memory of a computation; default SPIRA_CHILD_MEMORY, or 4096 and 256 more per thread",    \
         0,                                                                                         \
         false,                                                                                     \
         false},                                                                                    \
        {"child-file", "MIB", "largest file of a computation; default SPIRA_CHILD_FILE or 8192", 0, \
         false,        false},                                                                      \
        {"child-cpu", "SECONDS", "processor time of a computation; default SPIRA_CHILD_CPU, none",  \
         0,           false,     false},                                                            \
        {"child-deadline",                                                                          \
         "SECONDS",                                                                                 \
         "time of a computation; default SPIRA_CHILD_DEADLINE or that of the step",                 \
         0,                                                                                         \
         false,                                                                                     \
         false},                                                                                    \
    {                                                                                               \
        "grace", "SECONDS",                                                                         \
            "what a computation has to checkpoint when asked to stop; default SPIRA_GRACE or 20",   \
            0, false, false                                                                         \
    }

struct spira_property {
    char *name, *value;
};

struct spira_settings {
    char **texts;                      /* one for each setting; NULL: it has none */
    struct spira_property *properties; /* of librdkafka */
    size_t property_count;
};

/* Reads every setting; options that the verb's table does not have come from elsewhere only.
 * SPIRA_EINVALID for a property without "="; codes of reading
 * a secret's file. */
SPIRA_MUST_USE enum spira_code spira_settings_read(const struct spira_arguments *arguments,
                                                   struct spira_settings *ret_settings,
                                                   struct spira_error *err);
void spira_settings_done(struct spira_settings *settings); /* a zeroed one is fine */

/* The text of a setting by its option's name, or NULL. Borrowed. */
const char *spira_setting(const struct spira_settings *settings, const char *name);

/* The same where there must be one. SPIRA_EINVALID says how to give it. */
SPIRA_MUST_USE enum spira_code spira_setting_need(const struct spira_settings *settings,
                                                  const char *name, const char **ret_text,
                                                  struct spira_error *err);

/* A whole number from least to most; preset where there is none. SPIRA_EINVALID names the value. */
SPIRA_MUST_USE enum spira_code spira_setting_number(const struct spira_settings *settings,
                                                    const char *name, int64_t least, int64_t most,
                                                    int64_t preset, int64_t *ret_number,
                                                    struct spira_error *err);

#endif
