#include "core/training/schedule.h"

#include <assert.h>
#include <math.h>

double spira_noam_rate(double base, size_t warmup_steps, uint64_t step)
{
    assert(warmup_steps > 0 && step > 0);
    double warmup = (double)warmup_steps, s = (double)step;
    /* sqrt(warmup) * warmup^-1.5 = 1 / warmup. Division and square root are rounded correctly
     * everywhere, a power is not. */
    return base * fmin(s / warmup, sqrt(warmup) / sqrt(s));
}

double spira_learning_rate(const struct spira_train_config *config, uint64_t step)
{
    return config->noam ? spira_noam_rate(config->learning_rate, config->warmup_steps, step)
                        : config->learning_rate;
}
