/* What a flaky adapter does to its calls: it plays a script of codes before (or after) the calls of
 * the adapter it wraps, so that a test can make any call of a port fail. */
#ifndef SPIRA_ADAPTERS_FLAKY_FLAKY_SCRIPT_H
#define SPIRA_ADAPTERS_FLAKY_FLAKY_SCRIPT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/error.h"

/* Each call of the operation takes the next code: SPIRA_OK lets it through, any other is what it
 * returns. When all are played every call goes through. */
struct spira_flaky_script {
    const char *operation; /* an op's name in the port ("put", "poll"); NULL: every one */
    const enum spira_code *codes;
    size_t count;
    bool after; /* the call is made, and its success is what gets lost (a lost acknowledgement).
                   Only for what changes something; an op that only reads fails before. */
    atomic_size_t played; /* codes taken so far; start with zero */
};

/* The scripts a flaky adapter plays; kept. */
struct spira_flaky_play {
    struct spira_flaky_script *scripts;
    size_t count;
};

/* What the next call of an operation meets: one of the two, or none, is not SPIRA_OK. */
struct spira_flaky_turn {
    enum spira_code before;
    enum spira_code after;
};

/* Takes a code from the first of the scripts that names the operation and has one left. Any thread.
 */
struct spira_flaky_turn spira_flaky_next(const struct spira_flaky_play *play,
                                         const char *operation);

/* Fills err with the code a script asks for. */
enum spira_code spira_flaky_fail(enum spira_code code, const char *operation,
                                 struct spira_error *err);

/* Bodies of a flaky adapter's ops: make the call as the script says. CHANGE: the op changes
 * something, so that its success can be lost. READ: it only reads, or gives what nobody would free.
 */
#define SPIRA_FLAKY_CHANGE(play, operation, call, err)                                             \
    do {                                                                                           \
        struct spira_flaky_turn turn = spira_flaky_next(play, operation);                          \
        if (turn.before != SPIRA_OK)                                                               \
            return spira_flaky_fail(turn.before, operation, err);                                  \
        enum spira_code code = (call);                                                             \
        if (code == SPIRA_OK && turn.after != SPIRA_OK)                                            \
            return spira_flaky_fail(turn.after, operation, err);                                   \
        return code;                                                                               \
    } while (0)
#define SPIRA_FLAKY_READ(play, operation, call, err)                                               \
    do {                                                                                           \
        struct spira_flaky_turn turn = spira_flaky_next(play, operation);                          \
        if (turn.before != SPIRA_OK || turn.after != SPIRA_OK)                                     \
            return spira_flaky_fail(turn.before ? turn.before : turn.after, operation, err);       \
        return (call);                                                                             \
    } while (0)

#endif
