#include "core/training/loss.h"

void spira_loss_weights(const struct spira_window *windows, size_t count, bool per_frame,
                        bool balanced, double *ret_weights)
{
    double scale = per_frame ? (double)count : 1;
    double patients = 0, controls = 0;
    for (size_t i = 0; i < count; i++) {
        patients += (double)windows[i].label;
        controls += 1 - (double)windows[i].label;
    }
    double classes = (patients > 0) + (controls > 0);
    for (size_t i = 0; i < count; i++) {
        double label = (double)windows[i].label, weight = 1 / (double)count;
        if (balanced)
            weight = ((patients > 0 ? label / patients : 0) +
                      (controls > 0 ? (1 - label) / controls : 0)) /
                     classes;
        ret_weights[i] = !balanced && per_frame ? 1 : scale * weight;
    }
}
