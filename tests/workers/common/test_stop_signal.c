#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workers/common/command_line/stop_signal.h"

Test(stop_signal, the_first_signal_asks_and_says_which_it_was)
{
    spira_stop_signal_catch();
    struct spira_progress progress = spira_stop_signal_progress();
    cr_assert_not(spira_progress_stop_wanted(progress));
    cr_assert_eq(spira_stop_signal(), 0);
    raise(SIGTERM);
    cr_assert(spira_progress_stop_wanted(progress));
    cr_assert_eq(spira_stop_signal(), SIGTERM);
}

Test(stop_signal, a_second_signal_ends_the_process_at_once)
{
    pid_t child = fork();
    if (child == 0) {
        spira_stop_signal_catch();
        raise(SIGTERM);
        raise(SIGINT);
        _exit(0);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 130);
}

Test(stop_signal, a_blocking_call_is_interrupted)
{
    spira_stop_signal_catch();
    int ends[2];
    char byte;
    cr_assert_eq(pipe(ends), 0);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        usleep(500000);
        kill(parent, SIGINT);
        _exit(0);
    }
    cr_assert_eq(read(ends[0], &byte, 1), (ssize_t)-1);
    cr_assert_eq(spira_stop_signal(), SIGINT);
    waitpid(child, NULL, 0);
}
