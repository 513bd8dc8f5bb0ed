#include "core/base/thread.h"

#include <signal.h>

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
