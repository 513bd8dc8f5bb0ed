#include "workers/common/command_line/stop_signal.h"

#include <signal.h>
#include <unistd.h>

#include "workers/common/command_line/exit_code.h"

static volatile sig_atomic_t caught;

static void handle(int number)
{
    if (!caught) {
        caught = number;
        return;
    }
    if (isatty(STDERR_FILENO)) /* leave the line of the bar */
        (void)!write(STDERR_FILENO, "\n", 1);
    _exit(SPIRA_EXIT_SIGNAL + number);
}

void spira_stop_signal_catch(void)
{
    struct sigaction action = {.sa_handler = handle}; /* no SA_RESTART: waiting for a lock ends */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int spira_stop_signal(void)
{
    return caught;
}

static void report_nothing(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

static bool stop_wanted(void *self)
{
    (void)self;
    return caught != 0;
}

struct spira_progress spira_stop_signal_progress(void)
{
    static const struct spira_progress_ops ops = {report_nothing, stop_wanted};
    return (struct spira_progress){.ops = &ops};
}
