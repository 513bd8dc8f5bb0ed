/* A run as one object: what `spiractl local run` and `run wait` print (DESIGN, "Command line"). */
#ifndef SPIRA_WORKERS_COMMON_RUN_RUN_OBJECT_H
#define SPIRA_WORKERS_COMMON_RUN_RUN_OBJECT_H

#include "workers/common/worker.h"

/* Gives the object of a run from its state and what the store has of it: {"run_id", "state",
 * "message" (why it failed), "dataset", "training", "model", "members" (of a run with several
 * trainings, those that are done), "evaluation", "steps"}, each as far as the run got. Paths begin
 * with the worker's location. A step that was done in parts is reused when all of them were; its
 * seconds are theirs together. The intake's parts are those of the recordings in the run's corpus.
 * SPIRA_ENOTFOUND: no such run. */
SPIRA_MUST_USE enum spira_code spira_run_object(const struct spira_worker *worker,
                                                const char *run_id, struct spira_value **ret_object,
                                                struct spira_error *err);

/* The steps of a run in their order, by the names of their workers. */
enum { SPIRA_RUN_STEPS = 4 };
extern const char *const spira_run_steps[SPIRA_RUN_STEPS];

/* Gives {"step", "status", "seconds"} of one step from the run's state (spira_state_run), its parts
 * joined; NULL when none of them has ended. */
SPIRA_MUST_USE enum spira_code spira_run_step(struct spira_config_source json,
                                              const struct spira_value *run, const char *step,
                                              struct spira_value **ret_row,
                                              struct spira_error *err);

/* Whether a run in this state has ended. */
bool spira_run_is_over(const char *state);

/* Gives whether nobody wants the run's work any more: it is over, or somebody wants it canceled. A
 * run that the state does not know is wanted. Codes of the run state. */
SPIRA_MUST_USE enum spira_code spira_run_look(const struct spira_worker *worker, const char *run_id,
                                              bool *ret_over, struct spira_error *err);

#endif
