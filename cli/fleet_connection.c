#include "cli/fleet_connection.h"

#include "workers/common/run/events.h"
#include "workers/common/wiring.h"

enum { FLUSH_TIMEOUT_MS = 30000 };

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
    if (needs & SPIRA_NEED_BUS && spira_bus_probe(worker->bus, err) != SPIRA_OK)
        return spira_fail_within(err, "Kafka");
    if (needs & SPIRA_NEED_STATE && spira_state_probe(worker->state, err) != SPIRA_OK)
        return spira_fail_within(err, "Redis");
    if (needs & SPIRA_NEED_STORE && spira_store_probe(worker->store, err) != SPIRA_OK)
        return spira_fail_within(err, "store");
    return SPIRA_OK;
}

/* Wants to stop when somebody else does, or when the time is up. */
struct limited {
    const struct spira_worker *worker;
    struct spira_progress stop;
    int64_t until_ms;
};

static bool is_late(const struct limited *limited)
{
    return spira_clock_monotonic_ms(limited->worker->clock) >= limited->until_ms;
}

static bool stop_wanted(void *self)
{
    const struct limited *limited = self;
    return is_late(limited) || spira_progress_stop_wanted(limited->stop);
}

static void ignore_report(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

enum spira_code spira_fleet_flush(const struct spira_worker *worker, struct spira_progress stop,
                                  struct spira_error *err)
{
    static const struct spira_progress_ops ops = {.report = ignore_report,
                                                  .stop_wanted = stop_wanted};
    struct limited limited = {.worker = worker,
                              .stop = stop,
                              .until_ms =
                                  spira_clock_monotonic_ms(worker->clock) + FLUSH_TIMEOUT_MS};
    enum spira_code code =
        spira_events_flush(worker, (struct spira_progress){.ops = &ops, .self = &limited}, err);
    if (code != SPIRA_EINTERRUPTED || !is_late(&limited))
        return code;
    code = spira_bus_probe(worker->bus, err);
    return code == SPIRA_OK
               ? spira_fail(err, SPIRA_ETIMEOUT, "the bus acknowledged not all events within %d s",
                            FLUSH_TIMEOUT_MS / 1000)
               : code;
}

void spira_fleet_disconnect(struct spira_fleet_connection *connection)
{
    spira_worker_done(&connection->worker);
    spira_settings_done(&connection->settings);
}
