/* Pauses between attempts that failed: up to 1 second after the first, doubled each time up to 60,
 * and drawn from that whole stretch, so that workers do not all come back at once. */
#ifndef SPIRA_WORKERS_COMMON_LOOP_BACKOFF_H
#define SPIRA_WORKERS_COMMON_LOOP_BACKOFF_H

#include "core/base/random.h"

struct spira_backoff {
    struct spira_random random;
    unsigned failures;
};

/* seed: any number that differs between workers. */
void spira_backoff_init(struct spira_backoff *backoff, uint64_t seed);
/* The next pause, in milliseconds. */
int spira_backoff_next_ms(struct spira_backoff *backoff);
/* It worked: the next failure is a first one. */
void spira_backoff_reset(struct spira_backoff *backoff);

#endif
