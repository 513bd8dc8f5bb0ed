/* Following a run of the fleet to its end. */
#ifndef SPIRA_CLI_RUN_FOLLOW_H
#define SPIRA_CLI_RUN_FOLLOW_H

#include "cli/local_pipeline.h"
#include "workers/common/worker.h"

struct spira_run_follow {
    const struct spira_worker *worker;
    const char *run_id;
    int64_t timeout_ms;                   /* negative: none */
    const struct spira_step_watch *watch; /* hears how the steps go; NULL: nobody */
    struct spira_progress stop;           /* wants it: SPIRA_EINTERRUPTED; the run goes on */
    /* Told, once each time, that a service went away and that it is back; NULL: nobody. */
    void (*say)(void *self, const char *text);
    void *say_self;
};

/* Waits until the run is over and gives its object (workers/common/run/run_object.h), or NULL when
 * the time is up before. A run that the run tracker has not met yet is one that is not over; a
 * service that goes away is waited for. Other codes of spira_run_object. */
SPIRA_MUST_USE enum spira_code spira_run_follow(const struct spira_run_follow *follow,
                                                struct spira_value **ret_object,
                                                struct spira_error *err);

#endif
