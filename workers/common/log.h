/* The log of a worker's process: JSON lines on stdout.
 *
 * {"time":"2026-03-01T12:00:00.000Z","level":"info","worker":"model_training","message":"...",...}
 *
 * Only the worker's own code logs, and each failure once: core/ and adapters/ return their errors.
 * Fields by convention: run_id, step, event_id, trace_id, topic, partition, offset, error.
 * A patient's identity (the patient's code, a recording's path or file name) is for the debug level
 * alone: logs are read, copied and kept by more people than the recordings are. */
#ifndef SPIRA_WORKERS_COMMON_LOG_H
#define SPIRA_WORKERS_COMMON_LOG_H

#include "core/base/value.h"
#include "core/ports/clock.h"

enum spira_log_level {
    SPIRA_LOG_DEBUG,
    SPIRA_LOG_INFO,
    SPIRA_LOG_WARNING, /* the worker goes on, somebody should know */
    SPIRA_LOG_ERROR    /* work is lost or set aside, or the worker stops */
};

/* Opens the process's log: lines below level ("debug", "info", "warning" or "error", as in
 * SPIRA_LOG_LEVEL; NULL: "info") are dropped. Keeps worker. Call it once, before other threads
 * start; until then nothing is written. SPIRA_EINVALID: no such level; the log is not open. */
SPIRA_MUST_USE enum spira_code spira_log_open(const char *worker, const char *level,
                                              struct spira_clock clock, struct spira_error *err);

/* Whether lines of this level are written: ask before making costly fields. Any thread. */
bool spira_log_enabled(enum spira_log_level level);

/* Writes one line, in one write. Takes fields (a map or NULL), also when the line is dropped; a
 * field named as one of the line's own four is left out. Bytes that are not UTF-8 become U+FFFD; a
 * message is cut at 2 KiB. Any thread. A log nobody can write to any more is no reason to stop: the
 * line is lost. */
void spira_log(enum spira_log_level level, struct spira_value *fields, const char *format, ...)
    SPIRA_PRINTF(3, 4);

#endif
