/* SIGINT and SIGTERM: the first asks the work under way to stop, a second ends the process. */
#ifndef SPIRA_WORKERS_COMMON_COMMAND_LINE_STOP_SIGNAL_H
#define SPIRA_WORKERS_COMMON_COMMAND_LINE_STOP_SIGNAL_H

#include "core/ports/progress.h"

/* From now on the signals are caught. A blocking call that a signal meets is interrupted. */
void spira_stop_signal_catch(void);

/* The signal that came, or 0. */
int spira_stop_signal(void);

/* A progress that shows nothing and wants a stop once a signal came. Any number of threads. */
struct spira_progress spira_stop_signal_progress(void);

#endif
