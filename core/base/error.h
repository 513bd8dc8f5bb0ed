/* Every function of ours that can fail returns an enum spira_code and fills a struct spira_error.
 * The code's kind decides what its caller does: retry, park the message, hand the work back, stop.
 */
#ifndef SPIRA_CORE_BASE_ERROR_H
#define SPIRA_CORE_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define SPIRA_MUST_USE __attribute__((warn_unused_result))
#define SPIRA_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* What a worker does about a failure (DESIGN, Errors). */
enum spira_error_kind {
    SPIRA_KIND_NONE,
    SPIRA_KIND_TRANSIENT, /* retry in place with backoff; nothing is lost */
    SPIRA_KIND_INVALID, /* the message, recording, configuration or user is wrong: park or refuse */
    SPIRA_KIND_INTERRUPTED, /* shutdown, cancel, lost partition: checkpoint, no attempt spent */
    SPIRA_KIND_FENCED,      /* somebody newer owns it: drop and count */
    SPIRA_KIND_BUG          /* a broken promise: stop the worker */
};

/* The one list of codes: name, kind, text. */
#define SPIRA_CODES(X)                                                                             \
    X(OK, NONE, "success")                                                                         \
    X(EINVALID, INVALID, "not valid")                                                              \
    X(ENOTFOUND, INVALID, "not found")                                                             \
    X(ETOOBIG, INVALID, "larger than its limit")                                                   \
    X(ETOOLONG, INVALID, "longer than its limit")                                                  \
    X(EUNSUPPORTED, INVALID, "not supported")                                                      \
    X(EREJECTED, INVALID, "rejected by the publishing gate")                                       \
    X(EQUARANTINE, INVALID, "too large a share of the recordings is quarantined")                  \
    X(EDIVERGED, INVALID, "the training loss exploded")                                            \
    X(ECRASHED, INVALID, "the computation crashed")                                                \
    X(EOVERRAN, INVALID, "the computation ran past its deadline")                                  \
    X(EOUTGREW, INVALID, "the computation outgrew its limits")                                     \
    X(ECONFLICT, FENCED, "somebody else changed it first")                                         \
    X(EUNREACHABLE, TRANSIENT, "a service did not answer")                                         \
    X(EIO, TRANSIENT, "input or output failed")                                                    \
    X(EALTERED, TRANSIENT, "an object of the store is not what it was")                            \
    X(ENOMEMORY, TRANSIENT, "out of memory")                                                       \
    X(ETIMEOUT, TRANSIENT, "did not answer in time")                                               \
    X(EINTERRUPTED, INTERRUPTED, "interrupted")                                                    \
    X(ECANCELED, INTERRUPTED, "canceled")                                                          \
    X(EDETERMINISM, BUG, "the same inputs gave other bytes")                                       \
    X(EBUG, BUG, "an invariant is broken")

enum spira_code {
#define X(name, kind, text) SPIRA_##name,
    SPIRA_CODES(X)
#undef X
};

struct spira_error {
    enum spira_code code;
    char message[1024]; /* one line, names the thing and the value */
};

/* Static text of a code, its name ("EINVALID") and its kind. Any thread. */
const char *spira_code_text(enum spira_code code);
const char *spira_code_name(enum spira_code code);
enum spira_error_kind spira_code_kind(enum spira_code code);

/* The code of a name; false: there is none. Any thread. */
bool spira_code_from_name(const char *name, enum spira_code *ret_code);

/* Fills err with the code and the formatted message and returns the code, so that a failure is one
 * line: return spira_fail(err, SPIRA_EINVALID, "%s: rate of %d Hz is below 4000", path, rate);
 * Control characters in the message become '?': it stays one printable line. */
enum spira_code spira_fail(struct spira_error *err, enum spira_code code, const char *format, ...)
    SPIRA_PRINTF(3, 4);

/* As spira_fail with SPIRA_EIO, adding ": " and the text of the errno value given. ENOENT becomes
 * SPIRA_ENOTFOUND, EINTR SPIRA_EINTERRUPTED and ENOMEM SPIRA_ENOMEMORY. */
enum spira_code spira_fail_errno(struct spira_error *err, int errno_value, const char *format, ...)
    SPIRA_PRINTF(3, 4);

/* Puts "<prefix>: " before err's message and returns err's code. */
enum spira_code spira_fail_within(struct spira_error *err, const char *format, ...)
    SPIRA_PRINTF(2, 3);

#ifdef __clang_analyzer__
/* The analyzer reads one file at a time and cannot see that a failure never returns SPIRA_OK. */
#define spira_fail(err, code, ...) ((void)spira_fail(err, code, __VA_ARGS__), (code))
#define spira_fail_errno(...) ((void)spira_fail_errno(__VA_ARGS__), SPIRA_EIO)
#define spira_fail_within(...) ((void)spira_fail_within(__VA_ARGS__), SPIRA_EIO)
#endif

#endif
