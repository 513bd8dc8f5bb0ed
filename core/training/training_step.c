#include "core/training/training_step.h"

#include <math.h>

#include "core/model/network.h"
#include "core/training/loss.h"
#include "core/training/schedule.h"

enum spira_code spira_training_check_loss(const struct spira_train_config *config, const char *what,
                                          double loss, size_t epoch, uint64_t step,
                                          struct spira_error *err)
{
    if (isnan(loss))
        return spira_fail(err, SPIRA_EDIVERGED, "epoch %zu, step %ju: the %s loss is not a number",
                          epoch + 1, (uintmax_t)step, what);
    if (loss > config->max_loss)
        return spira_fail(err, SPIRA_EDIVERGED,
                          "epoch %zu, step %ju: the %s loss is %g, more than train.max_loss (%g)",
                          epoch + 1, (uintmax_t)step, what, loss, config->max_loss);
    return SPIRA_OK;
}

/* How many windows go through the network at once. BatchNorm's statistics are of a whole batch, but
 * per frame of one recording. */
static size_t round_windows(const struct spira_training_job *job, const struct spira_batch *batch)
{
    if (job->model->norm != SPIRA_BATCH_NORM)
        return SPIRA_WINDOWS_SHOWN;
    return job->frames == 0 ? 1 : batch->count;
}

/* With BatchNorm a batch cannot be cut; names the recording that has the most windows. */
static enum spira_code check_batch(const struct spira_training_job *job,
                                   const struct spira_batch *batch, struct spira_error *err)
{
    if (job->model->norm != SPIRA_BATCH_NORM ||
        round_windows(job, batch) <= job->train->max_batch_windows)
        return SPIRA_OK;
    size_t longest = 0, most = 0;
    for (size_t begin = 0, end; begin < batch->count; begin = end) {
        size_t recording = batch->windows[begin].recording;
        for (end = begin; end < batch->count && batch->windows[end].recording == recording;)
            end++;
        if (end - begin > most) {
            most = end - begin;
            longest = recording;
        }
    }
    return spira_fail(err, SPIRA_EINVALID,
                      "a batch has %zu windows, %zu of them of recording %s; "
                      "train.max_batch_windows is %zu and spiraconv_v1 needs a batch at once",
                      batch->count, most, job->training.ops->name(job->training.self, longest),
                      job->train->max_batch_windows);
}

static enum spira_code run_network(const struct spira_training_job *job,
                                   struct spira_training_state *state,
                                   const struct spira_batch *batch, const double *weights,
                                   double *losses, struct spira_error *err)
{
    struct spira_trained trained = spira_network_trained(state->network);
    memset(trained.gradients, 0, trained.count * sizeof *trained.gradients);
    struct spira_dropout dropout = {
        .share = job->model->dropout, .seed = job->seed, .step = state->adam.steps + 1};
    size_t round = round_windows(job, batch);
    for (size_t i = 0; i < batch->count; i += round) {
        size_t count = batch->count - i < round ? batch->count - i : round;
        dropout.first_window = i;
        enum spira_code code = spira_loader_show(job->training, i, count, err);
        if (code == SPIRA_OK)
            code = spira_network_train(state->network, batch->windows + i, count, weights + i,
                                       job->train->clipping, &dropout, losses + i, NULL, err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static enum spira_code train_on(const struct spira_training_job *job,
                                struct spira_training_state *state, size_t epoch,
                                const struct spira_batch *batch, double *ret_loss,
                                struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    double *weights = NULL;
    SPIRA_CLEANUP(spira_free_at)
    double *losses = NULL;
    enum spira_code code =
        spira_big_alloc(&weights, batch->count, sizeof *weights, "a batch's weights", err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&losses, batch->count, sizeof *losses, "a batch's losses", err);
    if (code != SPIRA_OK)
        return code;
    bool per_frame = job->frames == 0;
    spira_loss_weights(batch->windows, batch->count, per_frame, job->train->class_balancing,
                       weights);
    code = run_network(job, state, batch, weights, losses, err);
    if (code != SPIRA_OK)
        return code;
    double loss = 0;
    for (size_t i = 0; i < batch->count; i++)
        loss += weights[i] * losses[i];
    if (per_frame)
        loss /= (double)batch->count;
    uint64_t step = state->adam.steps + 1;
    code = spira_training_check_loss(job->train, "training", loss, epoch, step, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_trained trained = spira_network_trained(state->network);
    spira_adam_step(&state->adam, trained.values, trained.gradients,
                    spira_learning_rate(job->train, step), job->train->weight_decay, job->threads);
    *ret_loss = loss;
    return SPIRA_OK;
}

enum spira_code spira_training_step(const struct spira_training_job *job,
                                    struct spira_training_state *state, size_t epoch,
                                    const size_t *indices, double *ret_loss,
                                    struct spira_error *err)
{
    struct spira_batch batch;
    enum spira_code code =
        spira_loader_load(job->training, epoch, indices, job->train->batch_recordings, &batch, err);
    if (code == SPIRA_OK && batch.count == 0)
        code = spira_fail(err, SPIRA_EINVALID, "recording %s has no window",
                          job->training.ops->name(job->training.self, indices[0]));
    if (code == SPIRA_OK)
        code = check_batch(job, &batch, err);
    return code == SPIRA_OK ? train_on(job, state, epoch, &batch, ret_loss, err) : code;
}
