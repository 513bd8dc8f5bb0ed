/* What a worker tells of its health over HTTP.
 *
 *   /livez    200 while the worker's loop beats, else 503 with how long ago it last did. Says
 *             nothing of brokers: restarting a worker mends no broker.
 *   /readyz   200 when everything it depends on answered lately, else 503; JSON:
 *             {"ready":false,"dependencies":{"event_bus":"ok","run_state":"<error>"}}
 *   /metrics  Prometheus' text format.
 *   /version  {"name":"model_training","version":"0.1.0","commit":...} as JSON.
 */
#ifndef SPIRA_WORKERS_COMMON_LOOP_HEALTH_H
#define SPIRA_WORKERS_COMMON_LOOP_HEALTH_H

#include "core/ports/http_server.h"
#include "workers/common/loop/worker_metrics.h"
#include "workers/common/worker.h"

struct spira_health;

struct spira_health_setup {
    /* Kept. Its bus, store and run state are probed, each in a thread of its own (one that hangs
     * must not hide the others); a port it does not hold is none of its dependencies. */
    const struct spira_worker *worker;
    const struct spira_worker_metrics *metrics; /* kept */
    const char *name;                           /* "model_training"; kept */
    int64_t beat_limit_ms;                      /* how old the loop's last beat may be; 0: 30 s */
    int64_t probe_every_ms; /* from one probe to the next; an answer older than three of these is
                               none; 0: 5 s */
};

/* Starts the probes; this counts as the first beat. Gives ret_health, ended by spira_health_stop.
 * SPIRA_EIO: no thread to be had. */
SPIRA_MUST_USE enum spira_code spira_health_start(const struct spira_health_setup *setup,
                                                  struct spira_health **ret_health,
                                                  struct spira_error *err);
/* Waits for probes under way. For SPIRA_CLEANUP; NULL inside is fine. */
void spira_health_stop(struct spira_health **health);

/* The worker's loop goes round. Any thread. */
void spira_health_beat(struct spira_health *health);

/* The paths above, for a server; context is the struct spira_health. */
spira_http_handler spira_health_answer;

#endif
