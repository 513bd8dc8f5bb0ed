#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/thread.h"

/* Sends itself a signal whose default is the end of the process, and notes its mask. */
static void *break_a_pipe(void *mask)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_assert_eq(write(ends[1], "x", 1), -1);
    cr_assert_eq(errno, EPIPE);
    close(ends[1]);
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    return mask;
}

Test(thread, it_takes_no_signals_and_its_maker_still_does)
{
    pthread_t thread;
    sigset_t its, ours;
    struct spira_error err = {0};
    cr_assert_eq(spira_thread_start(break_a_pipe, &its, "a test", &thread, &err), SPIRA_OK, "%s",
                 err.message);
    void *result = NULL;
    cr_assert_eq(pthread_join(thread, &result), 0);
    cr_assert_eq(result, &its);
    pthread_sigmask(SIG_SETMASK, NULL, &ours);
    cr_assert(sigismember(&its, SIGTERM) && sigismember(&its, SIGPIPE));
    cr_assert(!sigismember(&ours, SIGTERM) && !sigismember(&ours, SIGPIPE));
}

Test(thread, one_that_cannot_be_had_is_named)
{
    pthread_t thread;
    struct spira_error err = {0};
    pthread_attr_t huge; /* a stack that fits no address space */
    cr_assert_eq(pthread_attr_init(&huge), 0);
    cr_assert_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    cr_assert_eq(pthread_setattr_default_np(&huge), 0);
    cr_assert_eq(spira_thread_start(break_a_pipe, NULL, "a test", &thread, &err), SPIRA_EIO);
    cr_assert(strstr(err.message, "a test: cannot start a thread: "), "%s", err.message);
}
