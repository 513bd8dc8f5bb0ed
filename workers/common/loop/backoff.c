#include "workers/common/loop/backoff.h"

enum { FIRST_MS = 1000, DOUBLINGS_MAX = 6, LONGEST_MS = 60000 };

void spira_backoff_init(struct spira_backoff *backoff, uint64_t seed)
{
    backoff->random = spira_random_stream(seed, SPIRA_FOR_BACKOFF, 0, 0);
    backoff->failures = 0;
}

int spira_backoff_next_ms(struct spira_backoff *backoff)
{
    unsigned doublings = backoff->failures < DOUBLINGS_MAX ? backoff->failures++ : DOUBLINGS_MAX;
    int limit = FIRST_MS << doublings;
    limit = limit < LONGEST_MS ? limit : LONGEST_MS;
    return 1 + (int)spira_random_below(&backoff->random, (uint64_t)limit);
}

void spira_backoff_reset(struct spira_backoff *backoff)
{
    backoff->failures = 0;
}
