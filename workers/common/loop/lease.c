#include "workers/common/loop/lease.h"

/* The entry's name among the run's progress. */
static char *lease_name(const struct spira_message *message)
{
    return spira_format("lease:%s/%d/%jd", message->topic, (int)message->partition,
                        (intmax_t)message->offset);
}

enum spira_code spira_lease_elsewhere(const struct spira_worker *worker, const char *run_id,
                                      const struct spira_message *message, bool *ret_elsewhere,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *entries = NULL;
    enum spira_code code = spira_state_progress(worker->state, run_id, &entries, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *name = lease_name(message);
    const char *holder = spira_value_get_text(entries, name, worker->id);
    *ret_elsewhere = strcmp(holder, worker->id) != 0;
    return SPIRA_OK;
}

static enum spira_code put(const struct spira_worker *worker, const char *run_id,
                           const struct spira_message *message, int64_t ttl_ms,
                           struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = lease_name(message);
    return spira_state_put_progress(worker->state, run_id, name, worker->id, ttl_ms, err);
}

enum spira_code spira_lease_renew(const struct spira_worker *worker, const char *run_id,
                                  const struct spira_message *message, struct spira_error *err)
{
    return put(worker, run_id, message, SPIRA_LEASE_MS, err);
}

enum spira_code spira_lease_release(const struct spira_worker *worker, const char *run_id,
                                    const struct spira_message *message, struct spira_error *err)
{
    return put(worker, run_id, message, 1, err);
}
