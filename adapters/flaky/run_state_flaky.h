/* The run_state port with failures played by a script. */
#ifndef SPIRA_ADAPTERS_FLAKY_RUN_STATE_FLAKY_H
#define SPIRA_ADAPTERS_FLAKY_RUN_STATE_FLAKY_H

#include "adapters/flaky/flaky_script.h"
#include "core/ports/run_state.h"

/* Takes inner; ending the flaky one ends it too. Keeps scripts. */
struct spira_run_state spira_run_state_flaky(struct spira_run_state inner,
                                             struct spira_flaky_script *scripts, size_t count);

#endif
