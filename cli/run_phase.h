/* How far a run is, from what the run state has of it. */
#ifndef SPIRA_CLI_RUN_PHASE_H
#define SPIRA_CLI_RUN_PHASE_H

#include "core/ports/progress.h"
#include "workers/common/worker.h"

enum { SPIRA_RUN_NOTE_MAX = 240 };

struct spira_run_phase {
    size_t ended;                        /* that many of spira_run_steps are done */
    bool reported;                       /* the step after them says how far it is: */
    struct spira_progress_report report; /* its note points into this very phase */
    size_t members, members_done;        /* of a run with several trainings, while they go on */
    char note[SPIRA_RUN_NOTE_MAX];
};

/* Fills ret_phase from the run's state (spira_state_run) and what its steps put as progress
 * (spira_state_progress): for each step {"done", "total", "epoch", "epochs", "loss",
 * "validation_loss"}; of several trainings each has put that under its own name
 * ("model_training.00003"), and report is of all of them, in steps of the training, with the losses
 * of each in its note. Progress that cannot be read is none. */
void spira_run_phase_read(struct spira_config_source json, const struct spira_value *run,
                          const struct spira_value *progress, struct spira_run_phase *ret_phase);

/* "feature_engineering 12/40 shards" or "model_training 2/6 members" for people, of a run with a
 * step under way; free with free(). */
char *spira_run_phase_text(const struct spira_run_phase *phase);

/* How many shards of the run are there, and of how many; 0 while there is no plan. */
void spira_run_shards(const struct spira_value *run, size_t *ret_done, size_t *ret_total);

#endif
