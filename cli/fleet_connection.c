#include "cli/fleet_connection.h"

#include "workers/common/wiring.h"

enum spira_code spira_fleet_connect(const struct spira_arguments *arguments,
                                    struct spira_fleet_connection *ret_connection,
                                    struct spira_error *err)
{
    struct spira_fleet_connection connection = {0};
    enum spira_code code = spira_settings_read(arguments, &connection.settings, err);
    if (code != SPIRA_OK)
        return code;
    *ret_connection = connection; /* where it stays: the worker borrows from it */
    code = spira_wire_fleet(&ret_connection->settings, "spiractl", 1, &ret_connection->worker, err);
    if (code != SPIRA_OK)
        spira_fleet_disconnect(ret_connection);
    return code;
}

enum spira_code spira_fleet_probe(const struct spira_worker *worker, unsigned needs,
                                  struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    if (needs & SPIRA_NEED_BUS)
        code = spira_bus_probe(worker->bus, err);
    if (code == SPIRA_OK && needs & SPIRA_NEED_STATE)
        code = spira_state_probe(worker->state, err);
    if (code == SPIRA_OK && needs & SPIRA_NEED_STORE)
        code = spira_store_probe(worker->store, err);
    return code;
}

void spira_fleet_disconnect(struct spira_fleet_connection *connection)
{
    spira_worker_done(&connection->worker);
    spira_settings_done(&connection->settings);
}
