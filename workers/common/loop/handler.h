/* What a worker does with a message: the part in which workers differ. The loop (loop.h) does the
 * rest. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_HANDLER_H
#define SPIRA_WORKERS_COMMON_LOOP_HANDLER_H

#include "core/ports/event_bus.h"
#include "core/ports/progress.h"

/* What came of a message. */
struct spira_handled {
    const char *outcome; /* "succeeded", "reused", "failed", "skipped", ...; static text */
    double seconds;      /* of a step */
    bool dead_letter;    /* it also goes to <topic>.dlq, because of failure */
    bool rewind;         /* it came too early: go on at rewind_to instead, and do not commit */
    int64_t rewind_to;
    bool committed;    /* the group went on behind it long ago, and stays where it is */
    unsigned attempts; /* child processes that computed; 0: none */
    int signal;        /* that ended the last of them; 0: none did */
    struct spira_error failure;
};

struct spira_handler {
    const char *name;          /* the worker's folder: "model_training" */
    const char *const *events; /* that it consumes */
    size_t event_count;
    bool by_run; /* the subject of its events is a run, which may be canceled meanwhile */
    /* To deal with a message once more is cheap and changes nothing: what it deals with is
     * committed when no other message waits, or after a second, instead of one by one. */
    bool repeats;
    /* Deals with the message; what it emits is acknowledged when it returns. Runs in a thread of
     * its own, one message at a time, while the loop goes on polling; so it may take as long as it
     * needs, but looks at progress. The kind of its code decides (DESIGN, Errors): invalid goes to
     * <topic>.dlq; transient is tried again; interrupted comes again, unless its run was canceled;
     * fenced is dropped; a bug stops the worker. */
    enum spira_code (*handle)(void *self, const struct spira_message *message,
                              struct spira_progress progress, struct spira_handled *ret_handled,
                              struct spira_error *err);
    /* Called about once a second, between messages; may seek; returns within seconds. May be NULL.
     * Failures of transient kind are logged, any other stops the worker. */
    enum spira_code (*idle)(void *self, struct spira_consumer consumer, struct spira_error *err);
    void *self;
};

#endif
