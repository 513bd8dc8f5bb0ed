#include "core/training/validation.h"

#include "core/training/inference.h"

/* Sums over windows; a soft label belongs to both classes by its share. */
struct sums {
    double loss, windows;
    double patient_loss, patients, control_loss, controls;
    size_t recordings, right;
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
    sums->recordings++;
    sums->right += (inferred->score >= 0.5) == (inferred->windows[0].label > 0.5f);
}

static double balanced_loss(const struct sums *sums)
{
    double patients = sums->patients > 0 ? sums->patient_loss / sums->patients : 0;
    double controls = sums->controls > 0 ? sums->control_loss / sums->controls : 0;
    return (patients + controls) / ((sums->patients > 0) + (sums->controls > 0));
}

enum spira_code spira_validate(struct spira_network *network, struct spira_loader loader,
                               const struct spira_train_config *config,
                               struct spira_progress progress,
                               struct spira_validation *ret_validation, struct spira_error *err)
{
    if (spira_loader_recordings(loader) == 0)
        return spira_fail(err, SPIRA_EINVALID, "there is no recording to validate with");
    struct sums sums = {0};
    enum spira_code code =
        spira_infer(network, loader, config->clipping, progress, add_recording, &sums, err);
    if (code != SPIRA_OK)
        return code;
    *ret_validation = (struct spira_validation){
        .loss = config->class_balancing ? balanced_loss(&sums) : sums.loss / sums.windows,
        .accuracy = (double)sums.right / (double)sums.recordings,
    };
    return SPIRA_OK;
}
