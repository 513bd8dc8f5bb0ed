/* Takes one event through one step: the protocol every step follows. */
#ifndef SPIRA_WORKERS_COMMON_STEP_STEP_RUNNER_H
#define SPIRA_WORKERS_COMMON_STEP_STEP_RUNNER_H

#include "workers/common/step/step.h"

/* What a step did with an event. */
struct spira_step_outcome {
    const char *status; /* "succeeded", "reused", "failed", "rejected", "returned"; static text */
    double seconds;
    bool computed;              /* the computation ran */
    unsigned attempts;          /* child processes that computed; 0 in a thread */
    int signal;                 /* that ended the last of them; 0: none did */
    struct spira_error failure; /* why, for the last three */
};

/* Prepares, reuses or computes, stores, emits and waits for the acknowledgement of what it emitted.
 * When it returns SPIRA_OK the message may be committed. A failure of invalid kind about a run
 * emits run.failed and is SPIRA_OK with status "failed", or "rejected" for SPIRA_EREJECTED: the
 * event is dealt with. So is one without a run whose computation crashed, hung or outgrew its
 * limits as often as it may, when the step can say so (give_up): status "failed". An input that an
 * earlier step of the run made and that is gone or altered by now (SPIRA_EALTERED) asks that step
 * for it (repair.h) and is SPIRA_OK with status "returned": the event comes again when the input is
 * there. Any other code: nothing is settled, the event must be handled again; SPIRA_EINTERRUPTED
 * after a stop was wanted, with the newest checkpoint stored. */
SPIRA_MUST_USE enum spira_code
spira_step_run(const struct spira_worker *worker, const struct spira_step *step,
               const struct spira_message *message, struct spira_progress progress,
               struct spira_step_outcome *ret_outcome, struct spira_error *err);

/* Logs what the step did with the message. */
void spira_step_outcome_log(const struct spira_step_outcome *outcome, const struct spira_step *step,
                            const struct spira_message *message);

#endif
