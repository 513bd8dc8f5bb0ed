#include "core/training/trainer.h"

#include <math.h>

#include "core/base/random.h"
#include "core/model/weights.h"
#include "core/training/checkpoint.h"
#include "core/training/training_identity.h"
#include "core/training/training_log.h"
#include "core/training/training_step.h"
#include "core/training/validation.h"

struct trainer {
    const struct spira_training_job *job;
    struct spira_training_state state;
    struct spira_checkpoint_place checkpoints;
    size_t steps_per_epoch;
    size_t *order; /* of the training recordings in the epoch under way */
};

static void trainer_done(struct trainer *trainer)
{
    spira_training_state_done(&trainer->state);
    free(trainer->order);
}

static enum spira_code reinitialise(const struct spira_training_job *job,
                                    struct spira_network *network, struct spira_error *err)
{
    for (size_t i = 0; i < job->train->reinit_count; i++) {
        const char *prefix = job->train->reinit_layers[i];
        if (spira_network_draw(network, job->seed, prefix) == 0)
            return spira_fail(err, SPIRA_EINVALID,
                              "train.reinit_layers: no layer's name begins with '%s'", prefix);
    }
    return SPIRA_OK;
}

static enum spira_code make_state(const struct spira_training_job *job,
                                  struct spira_training_state *ret_state, struct spira_error *err)
{
    struct spira_network *network = NULL;
    const struct spira_matrix own = {0};
    enum spira_code code =
        spira_network_new(job->model, job->frames, job->features,
                          job->train->reproducible == SPIRA_ON_ANY_MACHINE ? own : job->matrix,
                          job->threads, &network, err);
    if (code == SPIRA_OK && job->initial_weights_path)
        code = spira_weights_load(job->tensors, job->initial_weights_path, network, err);
    else if (code == SPIRA_OK)
        spira_network_draw(network, job->seed, "");
    if (code == SPIRA_OK)
        code = reinitialise(job, network, err);
    if (code == SPIRA_OK)
        code = spira_training_state_init(ret_state, network, err);
    if (code != SPIRA_OK)
        spira_network_free(network);
    return code;
}

static enum spira_code interrupted(const struct trainer *trainer, struct spira_error *err)
{
    enum spira_code code = spira_checkpoint_save(&trainer->checkpoints, &trainer->state, err);
    return code == SPIRA_OK ? spira_fail(err, SPIRA_EINTERRUPTED, "stopped after step %ju",
                                         (uintmax_t)trainer->state.adam.steps)
                            : code;
}

static void report(const struct trainer *trainer, size_t steps_of_epoch)
{
    const struct spira_training_state *state = &trainer->state;
    size_t epochs = trainer->job->train->epochs;
    const struct spira_progress_report report = {
        .done = state->adam.steps,
        .total = epochs * trainer->steps_per_epoch,
        .epoch = state->epochs + 1,
        .epochs = epochs,
        .loss = state->loss_sum / (double)steps_of_epoch,
        .validation_loss =
            state->epochs ? state->log[state->epochs - 1].validation_loss : (double)NAN,
    };
    spira_progress_report(trainer->job->progress, &report);
}

static void draw_order(struct trainer *trainer, size_t epoch)
{
    const struct spira_training_job *job = trainer->job;
    struct spira_random random = spira_random_stream(job->seed, SPIRA_FOR_SHUFFLE, epoch, 0);
    spira_random_permutation(&random, spira_loader_recordings(job->training), trainer->order);
}

/* Lets the loader make a batch of the epoch whose order is drawn while another is trained on. */
static void prefetch(const struct trainer *trainer, size_t epoch, size_t batch)
{
    const struct spira_training_job *job = trainer->job;
    size_t recordings = job->train->batch_recordings;
    spira_loader_prefetch(job->training, epoch, trainer->order + batch * recordings, recordings);
}

/* What is left of an epoch's steps. */
static enum spira_code train_epoch(struct trainer *trainer, struct spira_error *err)
{
    const struct spira_training_job *job = trainer->job;
    struct spira_training_state *state = &trainer->state;
    draw_order(trainer, state->epochs);
    size_t interval = job->train->checkpoint_interval;
    size_t done = state->adam.steps - state->epochs * trainer->steps_per_epoch;
    while (done < trainer->steps_per_epoch) {
        if (spira_progress_stop_wanted(job->progress))
            return interrupted(trainer, err);
        if (done + 1 < trainer->steps_per_epoch)
            prefetch(trainer, state->epochs, done + 1);
        double loss;
        enum spira_code code =
            spira_training_step(job, state, state->epochs,
                                trainer->order + done * job->train->batch_recordings, &loss, err);
        if (code != SPIRA_OK)
            return code;
        state->loss_sum += loss;
        report(trainer, ++done);
        if (interval > 0 && state->adam.steps % interval == 0)
            code = spira_checkpoint_save(&trainer->checkpoints, state, err);
        if (code != SPIRA_OK)
            return code;
    }
    if (state->epochs + 1 < job->train->epochs) { /* during the validation */
        draw_order(trainer, state->epochs + 1);
        prefetch(trainer, state->epochs + 1, 0);
    }
    return SPIRA_OK;
}

static enum spira_code validate_epoch(struct trainer *trainer, struct spira_error *err)
{
    const struct spira_training_job *job = trainer->job;
    struct spira_training_state *state = &trainer->state;
    struct spira_validation validation;
    enum spira_code code = spira_validate(state->network, job->validation, job->train,
                                          job->progress, &validation, err);
    if (code == SPIRA_EINTERRUPTED)
        return interrupted(trainer, err);
    if (code == SPIRA_OK)
        code = spira_training_check_loss(job->train, "validation", validation.loss, state->epochs,
                                         state->adam.steps, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_epoch epoch = {
        .training_loss = state->loss_sum / (double)trainer->steps_per_epoch,
        .validation_loss = validation.loss,
        .validation_accuracy = validation.accuracy,
        .rank = spira_validation_rank(job->train->early_stop_metric, validation.loss,
                                      validation.metric),
    };
    spira_training_state_end_epoch(state, &epoch);
    return SPIRA_OK;
}

static bool is_finished(const struct trainer *trainer)
{
    const struct spira_train_config *config = trainer->job->train;
    const struct spira_training_state *state = &trainer->state;
    size_t without_better = state->epochs - spira_training_state_best(state);
    return state->epochs >= config->epochs ||
           (config->early_stop_epochs > 0 && without_better >= config->early_stop_epochs);
}

static enum spira_code write_results(struct trainer *trainer,
                                     struct spira_training_result *ret_result,
                                     struct spira_error *err)
{
    const struct spira_training_job *job = trainer->job;
    struct spira_training_state *state = &trainer->state;
    enum spira_code code =
        spira_training_log_write(job->log_path, state, job->train, trainer->steps_per_epoch, err);
    if (code != SPIRA_OK)
        return code;
    spira_training_state_restore_best(state);
    code = spira_weights_save(job->tensors, job->model_path, state->network, err);
    if (code != SPIRA_OK)
        return code;
    size_t best = spira_training_state_best(state);
    *ret_result = (struct spira_training_result){
        .epochs = state->epochs,
        .best_epoch = best,
        .steps = state->adam.steps,
        .validation_loss = state->log[best - 1].validation_loss,
        .validation_accuracy = state->log[best - 1].validation_accuracy,
        .validation_metric =
            spira_validation_metric(job->train->early_stop_metric, state->log[best - 1].rank),
    };
    return SPIRA_OK;
}

enum spira_code spira_train(const struct spira_training_job *job,
                            struct spira_training_result *ret_result, struct spira_error *err)
{
    size_t recordings = spira_loader_recordings(job->training);
    if (recordings < job->train->batch_recordings)
        return spira_fail(err, SPIRA_EINVALID,
                          "%zu training recordings are fewer than a batch has "
                          "(train.batch_recordings: %zu)",
                          recordings, job->train->batch_recordings);
    SPIRA_CLEANUP(trainer_done)
    struct trainer trainer = {
        .job = job,
        .checkpoints = {.tensors = job->tensors,
                        .digest = job->digest,
                        .folder = job->checkpoint_folder},
        .steps_per_epoch = recordings / job->train->batch_recordings,
        .order = spira_alloc(recordings, sizeof *trainer.order),
    };
    enum spira_code code = spira_training_identity(job, &trainer.checkpoints.training, err);
    if (code == SPIRA_OK)
        code = make_state(job, &trainer.state, err);
    if (code == SPIRA_OK)
        code = spira_checkpoint_resume(&trainer.checkpoints, &trainer.state, err);
    while (code == SPIRA_OK && !is_finished(&trainer)) {
        code = train_epoch(&trainer, err);
        if (code == SPIRA_OK)
            code = validate_epoch(&trainer, err);
    }
    return code == SPIRA_OK ? write_results(&trainer, ret_result, err) : code;
}
