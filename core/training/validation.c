#include "core/training/validation.h"

#include <math.h>

#include "core/training/inference.h"

/* Sums over windows; a soft label belongs to both classes by its share. */
struct sums {
    double loss, windows;
    double patient_loss, patients, control_loss, controls;
    size_t recordings, right;
    struct spira_scored *scored; /* of each recording so far, without names; NULL: not needed */
};

static void add_recording(void *context, const struct spira_inferred *inferred)
{
    struct sums *sums = context;
    for (size_t i = 0; i < inferred->count; i++) {
        double label = (double)inferred->windows[i].label, loss = inferred->losses[i];
        sums->loss += loss;
        sums->windows++;
        sums->patient_loss += label * loss;
        sums->patients += label;
        sums->control_loss += (1 - label) * loss;
        sums->controls += 1 - label;
    }
    bool positive = inferred->windows[0].label > 0.5f;
    if (sums->scored)
        sums->scored[sums->recordings] =
            (struct spira_scored){.positive = positive, .score = inferred->score};
    sums->recordings++;
    sums->right += (inferred->score >= SPIRA_VALIDATION_THRESHOLD) == positive;
}

static double balanced_loss(const struct sums *sums)
{
    double patients = sums->patients > 0 ? sums->patient_loss / sums->patients : 0;
    double controls = sums->controls > 0 ? sums->control_loss / sums->controls : 0;
    return (patients + controls) / ((sums->patients > 0) + (sums->controls > 0));
}

double spira_validation_rank(const struct spira_metric *metric, double loss, double value)
{
    if (!metric)
        return loss;
    return metric->lower_is_better ? value : -value;
}

double spira_validation_metric(const struct spira_metric *metric, double rank)
{
    if (!metric)
        return (double)NAN;
    return metric->lower_is_better ? rank : 0 - rank;
}

enum spira_code spira_validate(struct spira_network *network, struct spira_loader loader,
                               const struct spira_train_config *config,
                               struct spira_progress progress,
                               struct spira_validation *ret_validation, struct spira_error *err)
{
    size_t count = spira_loader_recordings(loader);
    if (count == 0)
        return spira_fail(err, SPIRA_EINVALID, "there is no recording to validate with");
    const struct spira_metric *metric = config->early_stop_metric;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_scored *scored = metric ? spira_alloc(count, sizeof *scored) : NULL;
    struct sums sums = {.scored = scored};
    enum spira_code code =
        spira_infer(network, loader, config->clipping, progress, add_recording, &sums, err);
    if (code != SPIRA_OK)
        return code;
    double value =
        metric ? spira_metric_compute(metric, scored, sums.recordings, SPIRA_VALIDATION_THRESHOLD)
               : (double)NAN;
    if (metric && isnan(value))
        return spira_fail(
            err, SPIRA_EINVALID,
            "train.early_stop_metric: %s of the validation role is undefined: its %zu "
            "recordings lack a class",
            metric->name, sums.recordings);
    *ret_validation = (struct spira_validation){
        .loss = config->class_balancing ? balanced_loss(&sums) : sums.loss / sums.windows,
        .accuracy = (double)sums.right / (double)sums.recordings,
        .metric = value,
    };
    return SPIRA_OK;
}
