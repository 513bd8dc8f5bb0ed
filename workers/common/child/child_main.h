/* Runs a step's computation in a process of its own, the child's side (child_process.h). */
#ifndef SPIRA_WORKERS_COMMON_CHILD_CHILD_MAIN_H
#define SPIRA_WORKERS_COMMON_CHILD_CHILD_MAIN_H

#include "workers/common/step/step.h"

/* What a program's main returns when it was called as `<program> --child DIR`, before it reads
 * settings or opens anything: confines this process to the limits of DIR/job.json, finds the step
 * of that name, version and event among steps, computes, and leaves result.json or error.json. The
 * tools' threads are those of the job. Exit code: 0 with a result, 1 with an error, 70 when it
 * could leave neither, after a line on stderr. Ends with its parent, whatever ends that. */
int spira_child_main(const char *folder, const struct spira_step *const *steps, size_t count,
                     struct spira_tools tools);

#endif
