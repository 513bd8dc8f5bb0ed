#include "core/base/thread.h"

#include <signal.h>
#include <time.h>

enum spira_code spira_thread_start(void *(*run)(void *), void *context, const char *what,
                                   pthread_t *ret_thread, struct spira_error *err)
{
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before); /* a new thread has its maker's mask */
    int failure = pthread_create(ret_thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure)
        return spira_fail_errno(err, failure, "%s: cannot start a thread", what);
    return SPIRA_OK;
}

bool spira_thread_wait(pthread_cond_t *changed, pthread_mutex_t *lock, const bool *flag,
                       int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + timeout_ms % 1000 * 1000000;
    until.tv_sec += timeout_ms / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    int failed = 0;
    while (!*flag && !failed)
        failed = pthread_cond_clockwait(changed, lock, CLOCK_MONOTONIC, &until);
    return *flag;
}
