#include "core/model/norm.h"

#include <math.h>

#define NORM_EPSILON 1e-5

void spira_moments_join(struct spira_moments *into, const struct spira_moments *more)
{
    double count = into->count + more->count;
    double apart = more->mean - into->mean;
    into->mean += apart * more->count / count;
    into->squares += more->squares + apart * apart * into->count * more->count / count;
    into->count = count;
}

double spira_norm_rstd(double variance)
{
    return 1 / sqrt(variance + NORM_EPSILON);
}

struct spira_norm_gradient spira_norm_gradient(const struct spira_channel_norm *norm, double a,
                                               double b, double m)
{
    double rstd = (double)norm->rstd;
    return (struct spira_norm_gradient){
        .factor = (float)(rstd * (double)norm->gamma),
        .shift = (float)(rstd * a / m),
        .slope = (float)(rstd * rstd * b / m),
    };
}

double spira_norm_bias_gradient(const struct spira_channel_norm *norm,
                                const struct spira_norm_sums *sums,
                                const struct spira_moments *moments, double a, double b, double m)
{
    double rstd = (double)norm->rstd;
    double xhat_sum = moments->count * (moments->mean - (double)norm->offset) * rstd;
    return rstd * ((double)norm->gamma * sums->d - (a * moments->count + b * xhat_sum) / m);
}
