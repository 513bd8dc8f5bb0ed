/* A step whose computation does what its parameter `play` says, mostly to the process it is in. */
#ifndef SPIRA_TESTS_WORKERS_CHILD_STEPS_H
#define SPIRA_TESTS_WORKERS_CHILD_STEPS_H

#include "workers/common/step/step.h"

extern const struct spira_step child_step;

/* An argument of the program of these tests: it plays the parent, in the folder that follows. */
#define CHILD_PARENT_OPTION "--parent"

/* Writes a checkpoint among the outputs. */
void child_write_checkpoint(const char *outputs, const char *name);

#endif
