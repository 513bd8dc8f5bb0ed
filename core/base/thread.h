/* Threads beside the program's own. */
#ifndef SPIRA_CORE_BASE_THREAD_H
#define SPIRA_CORE_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* Starts run(context) in a thread that takes no signals: those are for the threads that wait for
 * them, and a peer that hangs up is an error of the call. Fills ret_thread, to be joined. SPIRA_EIO
 * names what. */
SPIRA_MUST_USE enum spira_code spira_thread_start(void *(*run)(void *), void *context,
                                                  const char *what, pthread_t *ret_thread,
                                                  struct spira_error *err);

/* Waits with lock held until *flag is true, which whoever makes it so signals by changed, or
 * timeout_ms have passed. Gives *flag. */
bool spira_thread_wait(pthread_cond_t *changed, pthread_mutex_t *lock, const bool *flag,
                       int64_t timeout_ms);

#endif
