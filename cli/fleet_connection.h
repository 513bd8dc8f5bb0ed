/* What a command of spiractl needs to talk to a fleet: from its arguments and the environment to a
 * worker over Kafka, Redis and the object store. */
#ifndef SPIRA_CLI_FLEET_CONNECTION_H
#define SPIRA_CLI_FLEET_CONNECTION_H

#include "workers/common/command_line/settings.h"
#include "workers/common/worker.h"

struct spira_fleet_connection {
    struct spira_settings settings;
    struct spira_worker worker; /* borrows from settings; it has no inbox */
};

/* The services that a command uses, to be put together with |. */
enum spira_fleet_need {
    SPIRA_NEED_BUS = 1,
    SPIRA_NEED_STATE = 2,
    SPIRA_NEED_STORE = 4,
};

/* Gives ret_connection, ended by spira_fleet_disconnect. The verb's table has
 * SPIRA_OPTIONS_SERVICES. The services need not answer yet: spira_fleet_probe. SPIRA_EINVALID names
 * the setting that is missing or wrong. */
SPIRA_MUST_USE enum spira_code spira_fleet_connect(const struct spira_arguments *arguments,
                                                   struct spira_fleet_connection *ret_connection,
                                                   struct spira_error *err);

/* Whether all of these services (SPIRA_NEED_*) answer, each within its time limit. The first that
 * does not: SPIRA_EUNREACHABLE, and the message names its address. */
SPIRA_MUST_USE enum spira_code spira_fleet_probe(const struct spira_worker *worker, unsigned needs,
                                                 struct spira_error *err);

/* Waits until the events that were queued are acknowledged, for half a minute: then
 * SPIRA_EUNREACHABLE, or SPIRA_ETIMEOUT where the bus answers. Nobody knows of which of them.
 * SPIRA_EINTERRUPTED when stop is wanted. */
SPIRA_MUST_USE enum spira_code spira_fleet_flush(const struct spira_worker *worker,
                                                 struct spira_progress stop,
                                                 struct spira_error *err);

/* For SPIRA_CLEANUP; a zeroed connection is fine. */
void spira_fleet_disconnect(struct spira_fleet_connection *connection);

#endif
